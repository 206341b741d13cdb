// SPDX-License-Identifier: Apache-2.0
import Glibc
import Reactor

/// Starts the workers of a run.
public protocol WorkerLauncher {
  /// - Parameter descriptor: the worker's end of the socket pair. It is the launcher's from here.
  func launch(_ plan: LoadPlan, index: Int, descriptor: Int32) throws(LoadTestError)
  /// Waits for all of them; their sockets are closed by then.
  func finish()
}

/// Workers on threads of this process: for one worker, and for tests.
public final class ThreadLauncher: WorkerLauncher {
  private var threads: [LoopThread] = []

  public init() {}

  public func launch(_ plan: LoadPlan, index: Int, descriptor: Int32) throws(LoadTestError) {
    do throws(ReactorError) {
      threads.append(
        try LoopThread.start(name: "load-\(index)") { loop in
          LoadWorker.run(plan, index: index, on: loop, descriptor: descriptor)
        })
    } catch {
      close(descriptor)
      throw .workerFailed(index, error.description)
    }
  }

  public func finish() {
    for thread in threads { thread.join() }
    threads = []
  }
}

/// Workers as processes: this program once more, with the same arguments and a few that say so.
public final class ProcessLauncher: WorkerLauncher {
  private let arguments: (Int) -> [String]
  private var processes: [pid_t] = []

  /// - Parameter arguments: the whole command line of the worker of that number, its name first.
  public init(arguments: @escaping (Int) -> [String]) { self.arguments = arguments }

  public func launch(_ plan: LoadPlan, index: Int, descriptor: Int32) throws(LoadTestError) {
    defer { close(descriptor) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = arguments(index).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, &words, environ)
    guard code == 0 else { throw .workerFailed(index, "cannot be started: \(String(cString: strerror(code)))") }
    processes.append(process)
  }

  public func finish() {
    for process in processes {
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
    processes = []
  }
}
