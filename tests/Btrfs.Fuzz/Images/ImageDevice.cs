using Btrfs.Storage;

namespace Btrfs.Fuzz.Images;

/// <summary>An image that many devices share, as a device that is only read.</summary>
internal sealed class ImageDevice(SparseBytes image) : IBlockDevice
{
    public string Name => "image";

    public ulong SizeBytes => (ulong)image.Length;

    public bool IsMounted => false;

    public bool IsWritable => false;

    public IReadOnlyList<string> Notices => [];

    /// <summary>A device of its own over the image: damaged, and to be changed.</summary>
    public static MemoryOverlayDevice Damaged(SparseBytes image, IEnumerable<Patch> patches)
    {
        MemoryOverlayDevice device = new(new ImageDevice(image));
        foreach (Patch patch in patches)
            device.Write((ulong)patch.Offset, patch.Bytes);

        return device;
    }

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        if (offsetBytes > SizeBytes || (ulong)buffer.Length > SizeBytes - offsetBytes)
            throw new EndOfStreamException($"image: {buffer.Length} bytes at {offsetBytes} reach behind the end at {SizeBytes}");

        for (long at = (long)offsetBytes; !buffer.IsEmpty;)
        {
            ReadOnlySpan<byte> page = image.Page((int)(at / SparseBytes.PageSize))[(int)(at % SparseBytes.PageSize)..];
            page = page[..Math.Min(page.Length, buffer.Length)];
            page.CopyTo(buffer);
            buffer = buffer[page.Length..];
            at += page.Length;
        }
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data) => throw new IOException("image: opened read-only");

    public void Flush() => throw new IOException("image: opened read-only");

    public void Discard(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Dispose()
    {
    }
}
