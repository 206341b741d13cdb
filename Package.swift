// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// What every target of our own is built with: a warning here is an error, so none accumulates.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "bayeux-broker",
  products: [
    .library(name: "Bayeux", targets: ["Bayeux"]),
    .library(name: "BrokerServer", targets: ["BrokerServer", "ChatService"]),
    .library(name: "BrokerLifecycle", targets: ["BrokerLifecycle"]),
    .executable(name: "broker-cli", targets: ["broker-cli"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-configuration.git", exact: "1.4.0", traits: []),
    .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", exact: "0.2.0"),
  ],
  targets: [
    .systemLibrary(name: "CLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Bytes", swiftSettings: strict),
    .target(name: "Reactor", dependencies: ["Bytes", "CLibevent"], swiftSettings: strict),
    .target(name: "Wire", dependencies: ["Bytes"], swiftSettings: strict),
    .target(name: "Deflate", dependencies: ["Bytes", "CZlib", "Wire"], swiftSettings: strict),
    .target(name: "ChatService", dependencies: ["Bytes"], swiftSettings: strict),
    .target(
      name: "Store", dependencies: ["Bytes", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: strict),
    .target(
      name: "BrokerServer",
      dependencies: [
        "Bayeux", "Bytes", "ChatService", "Deflate", "Reactor", "Store", "Wire",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(
      name: "BrokerSettings",
      dependencies: [
        "Bayeux", "BrokerServer", "Bytes", "ChatService", "Store", "Wire",
        .product(name: "Configuration", package: "swift-configuration"),
      ], swiftSettings: strict),
    .target(
      name: "LoadTest",
      dependencies: [
        "Bytes", "COpenSSL", "Reactor", "Wire", .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),
    .target(
      name: "BrokerLifecycle",
      dependencies: ["BrokerServer", .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")],
      swiftSettings: strict),
    .executableTarget(
      name: "parrot",
      dependencies: [
        "BrokerLifecycle", "BrokerServer", "ChatService", .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], path: "Examples/parrot", swiftSettings: strict),
    .executableTarget(
      name: "broker-cli",
      dependencies: [
        "BrokerServer", "BrokerSettings", "Bytes", "LoadTest",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(name: "Bayeux", dependencies: ["Bytes"], swiftSettings: strict),
    .executableTarget(
      name: "websocket-echo", dependencies: ["Bytes", "Reactor", "Wire"], path: "Tests/Tools/websocket-echo",
      swiftSettings: strict),
    .target(
      name: "FuzzInvariants", dependencies: ["Bayeux", "BrokerSettings", "Bytes", "Wire"], path: "Fuzz/Invariants",
      swiftSettings: strict),
    .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: strict),
    .testTarget(
      name: "BrokerSettingsTests", dependencies: ["Bayeux", "BrokerServer", "BrokerSettings", "ChatService", "Wire"],
      swiftSettings: strict),
    .testTarget(
      name: "BrokerCommandLineTests",
      dependencies: [
        "BrokerServer", "BrokerSettings", "broker-cli", "Bytes",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(
      name: "BrokerLifecycleTests",
      dependencies: [
        "BrokerLifecycle", "BrokerServer", .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
      ], swiftSettings: strict),
    .testTarget(
      name: "LoadTestTests",
      dependencies: [
        "BrokerServer", "Bytes", "LoadTest", "Reactor", "Wire", .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(name: "ReactorTests", dependencies: ["Bytes", "Reactor"], swiftSettings: strict),
    .testTarget(name: "BayeuxTests", dependencies: ["Bayeux", "Bytes"], swiftSettings: strict),
    .testTarget(
      name: "BrokerServerTests",
      dependencies: [
        "Bayeux", "BrokerServer", "Bytes", "ChatService", "Deflate", "Reactor", "Store", "Wire",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(
      name: "ChatServiceTests",
      dependencies: [
        "BrokerServer", "Bytes", "ChatService", "Reactor", "Wire", .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(
      name: "StoreTests",
      dependencies: ["Bytes", "Store", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: strict),
    .testTarget(name: "FuzzTests", dependencies: ["Bytes", "FuzzInvariants"], swiftSettings: strict),
    .testTarget(name: "WireTests", dependencies: ["Bytes", "Wire"], swiftSettings: strict),
    .testTarget(name: "DeflateTests", dependencies: ["Bytes", "Deflate", "Wire"], swiftSettings: strict),
  ]
)

// It links with the fuzzer's own main alone, so it is no target of other builds; `make fuzz` asks for it.
if Context.environment["BAYEUX_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(name: "fuzz", dependencies: ["FuzzInvariants"], path: "Fuzz/Runner", swiftSettings: strict))
}
