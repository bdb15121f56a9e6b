using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

/// <summary>A device of memory that fails where it is told to, and counts what is done.</summary>
internal sealed class MemoryDevice(string name, byte[] bytes) : IBlockDevice
{
    private readonly List<(ulong Start, ulong End)> _unreadable = [];
    private readonly List<(ulong Start, ulong End)> _unwritable = [];

    public string Name { get; } = name;

    public byte[] Bytes { get; } = bytes;

    public ulong SizeBytes => (ulong)Bytes.Length;

    public bool IsMounted => false;

    public bool IsWritable { get; init; } = true;

    public IReadOnlyList<string> Notices => [];

    public int Reads { get; private set; }

    public int Writes { get; private set; }

    public int Flushes { get; private set; }

    /// <summary>Whether flushes fail.</summary>
    public bool FailsFlushes { get; set; }

    public bool IsDisposed { get; private set; }

    public void FailReads(ulong start, ulong length) => _unreadable.Add((start, start + length));

    public void FailWrites(ulong start, ulong length) => _unwritable.Add((start, start + length));

    /// <summary>Ends the failing of writes.</summary>
    public void HealWrites() => _unwritable.Clear();

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        Reads++;
        Check(offsetBytes, buffer.Length, _unreadable, "unreadable");
        Bytes.AsSpan((int)offsetBytes, buffer.Length).CopyTo(buffer);
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data)
    {
        Writes++;
        Check(offsetBytes, data.Length, _unwritable, "unwritable");
        data.CopyTo(Bytes.AsSpan((int)offsetBytes));
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        byte[] whole = new byte[parts.ToArray().Sum(part => part.Length)];
        int length = 0;
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            part.CopyTo(whole.AsMemory(length));
            length += part.Length;
        }

        Write(offsetBytes, whole);
    }

    public void Flush()
    {
        Flushes++;
        if (FailsFlushes)
            throw new IOException($"{Name}: can't flush");
    }

    public void Discard(ulong offsetBytes, ulong lengthBytes) => Bytes.AsSpan((int)offsetBytes, (int)lengthBytes).Clear();

    public void Dispose() => IsDisposed = true;

    private void Check(ulong offset, int length, List<(ulong Start, ulong End)> faults, string fault)
    {
        ulong end = offset + (ulong)length;
        if (end > SizeBytes)
            throw new EndOfStreamException($"{Name}: behind the end");
        foreach ((ulong start, ulong faultEnd) in faults)
        {
            if (start < end && offset < faultEnd)
                throw new IOException($"{Name}: {fault} at {offset}");
        }
    }
}
