// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A line chart as SVG; colours come from the style of the page.
struct Chart {
  struct Axis {
    var from = 0.0
    var to = 1.0

    func part(_ value: Double) -> Double { to > from ? (value - from) / (to - from) : 0 }

    /// Ending at 1, 2 or 5 times a power of ten.
    var rounded: Axis {
      guard to > 0 else { return Axis(from: from, to: 1) }
      var scale = 1.0
      while scale < to { scale *= 10 }
      while scale >= to, scale > 1e-9 { scale /= 10 }
      let step = [1.0, 2, 5, 10].first { $0 * scale >= to } ?? 10
      return Axis(from: from, to: step * scale)
    }
  }

  struct Line {
    var name: String
    var style: String
    var points: [(Double, Double)]
  }

  let title: String
  var x = Axis()
  var y = Axis()
  var xTicks: [(at: Double, text: String)] = []
  var lines: [Line] = []

  private static let width = 900.0
  private static let height = 320.0
  private static let left = 64.0
  private static let right = 24.0
  private static let top = 28.0
  private static let bottom = 28.0

  init(title: String) { self.title = title }

  static func label(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : Decimals.trimmed(value)
  }

  private func across(_ value: Double) -> String {
    Decimals.text(Self.left + x.part(value) * (Self.width - Self.left - Self.right), decimals: 1)
  }

  private func down(_ value: Double) -> String {
    Decimals.text(Self.height - Self.bottom - y.part(value) * (Self.height - Self.top - Self.bottom), decimals: 1)
  }

  var svg: String {
    var parts = [
      "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(HTML.escaped(title))\">"
    ]
    for tick in 0...4 {
      let value = y.from + (y.to - y.from) * Double(tick) / 4
      let at = down(value)
      parts.append(
        "<line class=\"grid\" x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width - Self.right))\" y1=\"\(at)\" y2=\"\(at)\"/>"
      )
      parts.append(
        "<text x=\"\(Int(Self.left) - 8)\" y=\"\(at)\" dy=\"4\" text-anchor=\"end\">\(Self.label(value))</text>")
    }
    for tick in xTicks {
      parts.append(
        "<text x=\"\(across(tick.at))\" y=\"\(Int(Self.height) - 8)\" text-anchor=\"middle\">\(HTML.escaped(tick.text))</text>"
      )
    }
    for (index, line) in lines.enumerated() {
      let points = line.points.map { "\(across($0.0)),\(down($0.1))" }.joined(separator: " ")
      parts.append("<polyline class=\"line \(line.style)\" points=\"\(points)\"/>")
      parts.append(
        "<text class=\"\(line.style)\" x=\"\(Int(Self.left) + index * 220)\" y=\"16\">\(HTML.escaped(line.name))</text>"
      )
    }
    parts.append("</svg>")
    return parts.joined(separator: "\n")
  }
}

extension Decimals {
  static func trimmed(_ value: Double) -> String {
    var text = text(value, decimals: 4)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  static func log10(_ value: Double) -> Double { Glibc.log10(value) }
}
