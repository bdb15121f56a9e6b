using Btrfs.Storage;

namespace Btrfs.Fidelity.Devices;

/// <summary>A device of any size that is all zeros and can't be written: what a new image is made over.</summary>
internal sealed class ZeroDevice(string name, ulong sizeBytes) : IBlockDevice
{
    public string Name => name;

    public ulong SizeBytes => sizeBytes;

    public bool IsMounted => false;

    public bool IsWritable => false;

    public IReadOnlyList<string> Notices => [];

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        if (offsetBytes > SizeBytes || (ulong)buffer.Length > SizeBytes - offsetBytes)
            throw new EndOfStreamException($"{Name}: {buffer.Length} bytes at {offsetBytes} reach behind the end at {SizeBytes}");

        buffer.Clear();
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data) => throw new IOException($"{Name}: opened read-only");

    public void Flush() => throw new IOException($"{Name}: opened read-only");

    public void Discard(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Dispose()
    {
    }
}
