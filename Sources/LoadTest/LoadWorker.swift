// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
public import Reactor

/// The side of the load test that makes the load: one loop, steered by lines on a socket.
public enum LoadWorker {
  /// Runs one worker until its coordinator has its result or is gone.
  ///
  /// - Parameters:
  ///   - index: which of the plan's processes it is, from 0.
  ///   - descriptor: its end of the socket pair; owned from here.
  public static func run(_ plan: LoadPlan, index: Int, on loop: EventLoop, descriptor: Int32) {
    guard let link = try? LineLink(on: loop, adopting: descriptor) else { return }
    link.onClosed = { [unowned loop] _ in loop.stop() }
    func report(_ report: WorkerReport) {
      link.send(report.json)
      switch report {
      case .result, .failed: link.closeAfterDraining(by: EventLoop.clock() + .seconds(30))
      default: break
      }
    }
    do throws(LoadTestError) {
      let generator = try Generator(plan, worker: index, on: loop, report)
      link.onLine = { [unowned generator] line in
        if let command = WorkerCommand(json: line) { generator.take(command) }
      }
      generator.begin()
      loop.run {
        generator.pump()
        return .wait
      }
    } catch {
      report(.failed(error))
      loop.run { .wait }
    }
  }

  /// Runs a worker as a process of its own, whose standard input is the socket to the coordinator.
  ///
  /// - Throws: ``ReactorError`` where the process has no descriptors left.
  public static func runProcess(_ plan: LoadPlan, index: Int) throws {
    // Ctrl-C goes to the whole group of processes; it is the coordinator who says when a worker ends.
    signal(SIGINT, SIG_IGN)
    Reactor.ignoreSIGPIPE()
    Reactor.raiseDescriptorLimit()
    let loop = try EventLoop()
    run(plan, index: index, on: loop, descriptor: STDIN_FILENO)
  }
}
