using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

/// <summary>A device of memory that fails where it is told to, and counts what is read.</summary>
internal sealed class MemoryDevice(string name, byte[] bytes) : IBlockDevice
{
    private readonly List<(ulong Start, ulong End)> _unreadable = [];

    public string Name { get; } = name;

    public byte[] Bytes { get; } = bytes;

    public ulong SizeBytes => (ulong)Bytes.Length;

    public bool IsMounted => false;

    public IReadOnlyList<string> Notices => [];

    public int Reads { get; private set; }

    public bool IsDisposed { get; private set; }

    public void FailReads(ulong start, ulong length) => _unreadable.Add((start, start + length));

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        Reads++;
        ulong end = offsetBytes + (ulong)buffer.Length;
        if (end > SizeBytes)
            throw new EndOfStreamException($"{Name}: behind the end");
        foreach ((ulong unreadable, ulong unreadableEnd) in _unreadable)
        {
            if (unreadable < end && offsetBytes < unreadableEnd)
                throw new IOException($"{Name}: unreadable at {offsetBytes}");
        }

        Bytes.AsSpan((int)offsetBytes, buffer.Length).CopyTo(buffer);
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Dispose() => IsDisposed = true;
}
