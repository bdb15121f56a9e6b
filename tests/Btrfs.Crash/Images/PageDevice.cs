using Btrfs.Storage;

namespace Btrfs.Crash.Images;

/// <summary>A device of given pages, zeros between them, which can't be written.</summary>
internal sealed class PageDevice(string name, ulong sizeBytes, IReadOnlyDictionary<ulong, byte[]> pages) : IBlockDevice
{
    public const int PageSize = 4096;

    public string Name => name;

    public ulong SizeBytes => sizeBytes;

    public bool IsMounted => false;

    public bool IsWritable => false;

    public IReadOnlyList<string> Notices => [];

    /// <summary>Where the pages are: multiples of <see cref="PageSize"/>.</summary>
    public IEnumerable<ulong> PageOffsets => pages.Keys;

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        if (offsetBytes > SizeBytes || (ulong)buffer.Length > SizeBytes - offsetBytes)
            throw new EndOfStreamException($"{Name}: {buffer.Length} bytes at {offsetBytes} reach behind the end at {SizeBytes}");

        while (!buffer.IsEmpty)
        {
            int within = (int)(offsetBytes % PageSize);
            int length = Math.Min(PageSize - within, buffer.Length);
            if (pages.TryGetValue(offsetBytes - (ulong)within, out byte[]? page))
                page.AsSpan(within, length).CopyTo(buffer);
            else
                buffer[..length].Clear();

            buffer = buffer[length..];
            offsetBytes += (ulong)length;
        }
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
