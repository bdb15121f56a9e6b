using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>
/// The seam between the engine and whatever holds the bytes: a file, a block device, or a test's memory and faults.
/// Every member may be called from any thread at once, <see cref="IDisposable.Dispose"/> apart.
/// </summary>
public interface IBlockDevice : IDisposable
{
    /// <summary>What messages call the device: its path.</summary>
    string Name { get; }

    /// <summary>The size when the device was opened.</summary>
    ulong SizeBytes { get; }

    /// <summary>Whether the host has a file system on it mounted, so that its bytes may change while they are read.</summary>
    bool IsMounted { get; }

    /// <summary>Whether it was opened to be written.</summary>
    bool IsWritable { get; }

    /// <summary>Human sentences about the device that a user should see, lower case, without a full stop.</summary>
    IReadOnlyList<string> Notices { get; }

    /// <summary>Fills the whole of <paramref name="buffer"/> with the bytes at <paramref name="offsetBytes"/>.</summary>
    /// <exception cref="EndOfStreamException">The range reaches behind the end of the device.</exception>
    /// <exception cref="IOException">The host could not read.</exception>
    void Read(ulong offsetBytes, Span<byte> buffer);

    /// <summary>A hint that a range is wanted soon. Never waits, never fails.</summary>
    void Prefetch(ulong offsetBytes, ulong lengthBytes);

    /// <summary>
    /// Moves bytes into a sink without their going through memory of this process. Fewer than asked for, 0 mostly, where the device or the sink has no such way: then
    /// the caller reads and writes the rest. Never throws.
    /// </summary>
    /// <returns>How many bytes went.</returns>
    int MovePages(ulong offsetBytes, int length, PageStream sink) => 0;

    /// <summary>Writes all of <paramref name="data"/>. What a failed write leaves there is anything.</summary>
    /// <exception cref="EndOfStreamException">The range reaches behind the end of the device; nothing was written.</exception>
    /// <exception cref="IOException">The host could not write, or the device was opened read-only.</exception>
    void Write(ulong offsetBytes, ReadOnlySpan<byte> data);

    /// <summary>Writes all parts, one behind the other: one transfer where the device can.</summary>
    /// <inheritdoc cref="Write(ulong, ReadOnlySpan{byte})"/>
    void Write(ulong offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            Write(offsetBytes, part.Span);
            offsetBytes += (ulong)part.Length;
        }
    }

    /// <summary>Returns when all that was written before is durable. After a failure no earlier write may be relied on.</summary>
    /// <exception cref="IOException">The host could not write, or the device was opened read-only.</exception>
    void Flush();

    /// <summary>A hint that the bytes of a range are wanted no more; what is read there afterwards is anything. Never fails.</summary>
    void Discard(ulong offsetBytes, ulong lengthBytes);
}
