// SPDX-License-Identifier: Apache-2.0
import Bytes
import Histogram

/// Latencies of one run, exact to three digits from 1 ns to ``LoadLimits/latency``.
public struct LatencyRecord: Sendable {
  /// Nanoseconds. A HdrHistogram: its size does not grow with what is recorded.
  private var histogram: Histogram<UInt64>
  private var longest: UInt64 = 0

  public init() {
    histogram = Histogram(
      lowestDiscernibleValue: 1, highestTrackableValue: UInt64(LoadLimits.latency.wholeNanoseconds),
      numberOfSignificantValueDigits: .three)
  }

  @inline(__always) mutating func record(nanoseconds: Int64, count: UInt64 = 1) {
    let value = min(UInt64(max(nanoseconds, 1)), UInt64(LoadLimits.latency.wholeNanoseconds))
    _ = histogram.record(value, count: count)
    if value > longest { longest = value }
  }

  mutating func merge(_ other: LatencyRecord) {
    histogram.add(other.histogram)
    longest = max(longest, other.longest)
  }

  mutating func reset() {
    histogram.reset()
    longest = 0
  }

  public var count: Int { Int(histogram.totalCount) }

  /// The longest, to the nanosecond.
  public var maximum: Duration { .nanoseconds(Int64(longest)) }

  public var mean: Duration { count == 0 ? .zero : .nanoseconds(Int64(histogram.mean)) }

  /// The latency that `percent` of all did not exceed; zero where nothing was recorded.
  public func percentile(_ percent: Double) -> Duration {
    guard count > 0 else { return .zero }
    return min(.nanoseconds(Int64(histogram.valueAtPercentile(percent))), maximum)
  }

  /// The values that occurred and how often, as `[[ns, count], …]`; read by ``init(json:)``.
  var json: JSONValue {
    var pairs: [JSONValue] = []
    for bucket in histogram.recordedValues() {
      pairs.append([.number(String(bucket.value)), .number(String(bucket.count))])
    }
    return ["max": .number(String(longest)), "values": .array(pairs)]
  }

  init?(json: JSONValue) {
    guard let values = json["values"]?.elements, let longest = json["max"]?.int else { return nil }
    self.init()
    for pair in values {
      guard let value = pair[0]?.int, let count = pair[1]?.int, value > 0, count >= 0 else { return nil }
      record(nanoseconds: Int64(value), count: UInt64(count))
    }
    self.longest = UInt64(max(longest, 0))
  }

  /// The percentile distribution as HdrHistogram's plotters read it (`.hgrm`), in milliseconds.
  var hgrm: String {
    var text = ""
    histogram.outputPercentileDistribution(
      to: &text, outputValueUnitScalingRatio: 1e6, percentileTicksPerHalfDistance: 5)
    return text
  }

  /// Points of the percentile curve: percent, milliseconds.
  var curve: [(percent: Double, milliseconds: Double)] {
    var points: [(Double, Double)] = []
    for step in histogram.percentiles(ticksPerHalfDistance: 5) {
      points.append((step.percentileLevelIteratedTo, Double(min(step.value, longest)) / 1e6))
    }
    return points
  }
}
