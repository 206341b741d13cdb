// SPDX-License-Identifier: Apache-2.0
import Bytes

extension LoadReport {
  /// The report as one page that needs nothing else: tables, and charts as SVG in it; in light and dark.
  public var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Load test: \(HTML.escaped(plan.options.scenario.rawValue))</title>
    <style>\(HTML.style)</style>
    </head>
    <body>
    <h1>Load test: \(HTML.escaped(plan.options.scenario.rawValue))</h1>
    <p class="verdict \(status == .ok ? "ok" : "failed")">\(HTML.escaped(lines.last ?? ""))</p>
    <h2>Results</h2>
    \(HTML.table(resultRows))
    <h2>Latency by percentile</h2>
    \(latencyChart)
    <h2>\(HTML.escaped(throughputTitle))</h2>
    \(throughputChart)
    <h2>Configuration</h2>
    \(HTML.table(configurationRows))
    </body>
    </html>

    """
  }

  /// The lines of the closing table, split into name and value again.
  private var resultRows: [(String, String)] {
    lines.dropLast().map { line in
      let text = line.drop { $0 == " " }
      guard let gap = text.range(ofFirst: "  ") else { return (String(text), "") }
      return (String(text[..<gap.lowerBound]), String(text[gap.upperBound...].drop { $0 == " " }))
    }
  }

  private var configurationRows: [(String, String)] {
    (configuration.members ?? []).compactMap { member in
      switch member.value {
      case .null, .array([]): nil
      case .string(let text): (member.name, text)
      case .array(let values): (member.name, values.map { $0.scalarText ?? $0.text }.joined(separator: ", "))
      default: (member.name, member.value.text)
      }
    }
  }

  private var throughputTitle: String {
    plan.options.scenario == .storm ? "Clients that came back, by second" : "Deliveries and p99, by second"
  }

  private var latencyChart: String {
    // To 99.999 percent at most: beyond it single messages stand.
    let points = latency.curve.filter { $0.percent < 99.9999 }
    guard points.count > 1 else { return "<p>No latency was measured.</p>" }
    var chart = Chart(title: "Latency in milliseconds by percentile")
    // The nines are evenly spaced, as in every HdrHistogram plot.
    func place(_ percent: Double) -> Double { Decimals.log10(1 / max(1 - percent / 100, 1e-7)) }
    let last = points.last?.percent ?? 0
    chart.x = Chart.Axis(from: 0, to: max(1, place(last)))
    chart.xTicks = [0, 50, 90, 99, 99.9, 99.99, 99.999].filter { $0 <= last }.map {
      (place($0), "\(Chart.label($0)) %")
    }
    chart.y = Chart.Axis(from: 0, to: points.map(\.milliseconds).max() ?? 1).rounded
    chart.lines = [Chart.Line(name: "ms", style: "a", points: points.map { (place($0.percent), $0.milliseconds) })]
    return chart.svg
  }

  private var throughputChart: String {
    guard seconds.count > 1 else { return "<p>The run was too short for a chart over time.</p>" }
    var chart = Chart(title: throughputTitle)
    chart.x = Chart.Axis(from: 0, to: Double(seconds.count - 1))
    let step = max(1, seconds.count / 10)
    chart.xTicks = stride(from: 0, to: seconds.count, by: step).map { (Double($0), "\($0) s") }
    chart.y = Chart.Axis(from: 0, to: Double(seconds.map(\.delivered).max() ?? 1)).rounded
    chart.lines = [
      Chart.Line(
        name: "per second", style: "a",
        points: seconds.enumerated().map { (Double($0.offset), Double($0.element.delivered)) })
    ]
    if plan.options.scenario != .storm {
      // On its own scale, which is told by its highest point.
      let p99 = seconds.map { Decimals.milliseconds($0.p99) }
      let most = max(p99.max() ?? 0, 1e-9)
      chart.lines.append(
        Chart.Line(
          name: "p99 (highest point \(Decimals.text(most)) ms)", style: "b",
          points: p99.enumerated().map { (Double($0.offset), $0.element / most * chart.y.to * 0.9) }))
    }
    return chart.svg
  }
}

enum HTML {
  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  static func table(_ rows: [(String, String)]) -> String {
    let lines = rows.map { "<tr><th scope=\"row\">\(escaped($0.0))</th><td>\(escaped($0.1))</td></tr>" }
    return "<table>\n\(lines.joined(separator: "\n"))\n</table>"
  }

  /// Colours by what the reader's system prefers; contrasts of 4.5 to 1 and more in both.
  static let style = """
    :root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--faint:#d0d7de;--soft:#57606a;--a:#0b5cad;--b:#a3480d}
    @media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--faint:#30363d;--soft:#9da7b1;\
    --a:#6cb6ff;--b:#ffab70}}
    body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;\
    margin:2rem auto;padding:0 1rem}
    h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
    table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;\
    border-bottom:1px solid var(--faint);font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
    th{font-weight:600;white-space:nowrap}
    .verdict{padding:.5rem .8rem;border-left:.4rem solid var(--a)}.failed{border-color:var(--b);font-weight:600}
    svg{width:100%;height:auto}svg text{fill:var(--soft);font:12px system-ui,sans-serif}
    .grid{stroke:var(--faint)}.line{fill:none;stroke-width:2}
    .line.a{stroke:var(--a)}.line.b{stroke:var(--b);stroke-dasharray:5 4}
    svg text.a{fill:var(--a)}svg text.b{fill:var(--b)}
    """
}
