// SPDX-License-Identifier: Apache-2.0
public import Bytes
import CZlib
public import Wire

/// DEFLATE (RFC 1951) for WebSocket messages, by zlib. Each message stands for itself, so that one of these serves all
/// connections of a loop. It takes about 300 KiB, whatever their number.
public final class Deflate: MessageCompression {
  // At fixed places: zlib's state points back to them.
  private let packer: UnsafeMutablePointer<z_stream>
  private let opener: UnsafeMutablePointer<z_stream>
  private var chunk = [UInt8](repeating: 0, count: chunkBytes)

  private static let chunkBytes = 16 << 10
  /// What a sync flush ends with, and what a message leaves out (RFC 7692 section 7.2.1).
  private static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
  /// Negative: a raw stream, without zlib's own header. The largest window, since both sides agreed to nothing less.
  private static let windowBits: Int32 = -15
  /// zlib's own default.
  private static let memoryLevel: Int32 = 8
  /// Set in `data_type` between two blocks.
  private static let isBetweenBlocks: Int32 = 128

  /// Nil where zlib gets no memory, or is another version than the one that was compiled against.
  public init?() {
    packer = .allocate(capacity: 1)
    packer.initialize(to: z_stream())
    opener = .allocate(capacity: 1)
    opener.initialize(to: z_stream())
    let size = Int32(MemoryLayout<z_stream>.size)
    let packs = deflateInit2_(
      packer, Z_DEFAULT_COMPRESSION, Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      size)
    let opens = inflateInit2_(opener, Self.windowBits, ZLIB_VERSION, size)
    if packs != Z_OK || opens != Z_OK { return nil }
  }

  deinit {
    deflateEnd(packer)
    inflateEnd(opener)
    packer.deallocate()
    opener.deallocate()
  }

  public func compress(_ message: Span<UInt8>, into writer: inout ByteWriter) {
    deflateReset(packer)
    message.withUnsafeBufferPointer { input in
      // zlib does not write there.
      packer.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      packer.pointee.avail_in = UInt32(input.count)
      repeat {
        chunk.withUnsafeMutableBufferPointer { output in
          packer.pointee.next_out = output.baseAddress
          packer.pointee.avail_out = UInt32(output.count)
          // It fails only where there is nothing left to do.
          _ = CZlib.deflate(packer, Z_SYNC_FLUSH)
          let count = output.count - Int(packer.pointee.avail_out)
          writer.append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<count]))
        }
      } while packer.pointee.avail_out == 0
      packer.pointee.next_in = nil
    }
    writer.truncate(to: writer.count - Self.tail.count)
  }

  public func decompress(_ message: Span<UInt8>, into plain: inout [UInt8], maxBytes: Int) throws(WebSocketFault) {
    inflateReset(opener)
    var hasEnded = try inflate(message, into: &plain, maxBytes: maxBytes)
    if try inflate(Self.tail.span, into: &plain, maxBytes: maxBytes) { hasEnded = true }
    // Behind a last block (section 7.2.3.4) the tail belongs to no stream.
    if !hasEnded, opener.pointee.data_type & Self.isBetweenBlocks == 0 { throw .badCompression }
  }

  /// - Returns: whether a block was marked as the last of its stream.
  private func inflate(
    _ input: Span<UInt8>, into plain: inout [UInt8], maxBytes: Int
  ) throws(WebSocketFault) -> Bool {
    var fault: WebSocketFault?
    var hasEnded = false
    input.withUnsafeBufferPointer { input in
      // zlib does not write there.
      opener.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      opener.pointee.avail_in = UInt32(input.count)
      var goesOn = input.count > 0
      while goesOn, fault == nil {
        goesOn = chunk.withUnsafeMutableBufferPointer { output in
          opener.pointee.next_out = output.baseAddress
          opener.pointee.avail_out = UInt32(output.count)
          let code = CZlib.inflate(opener, Z_SYNC_FLUSH)
          let count = output.count - Int(opener.pointee.avail_out)
          guard plain.count + count <= maxBytes else {
            fault = .messageTooBig
            return false
          }
          plain.append(contentsOf: output[..<count])
          switch code {
          case Z_OK, Z_BUF_ERROR: return opener.pointee.avail_out == 0
          case Z_STREAM_END:
            hasEnded = true
            inflateReset(opener)
            return opener.pointee.avail_in > 0
          default:
            fault = .badCompression
            return false
          }
        }
      }
      opener.pointee.next_in = nil
    }
    if let fault { throw fault }
    return hasEnded
  }
}
