using Btrfs.Storage;

namespace Btrfs.Fuzz.Images;

/// <summary>A device whose damage lies over an image that many devices share.</summary>
internal sealed class OverlayDevice : IBlockDevice
{
    private readonly SparseBytes _base;
    private readonly Dictionary<int, byte[]> _changed = [];

    public OverlayDevice(SparseBytes image, IEnumerable<Patch> patches)
    {
        _base = image;
        foreach (Patch patch in patches)
            Write((ulong)patch.Offset, patch.Bytes);
    }

    public string Name => "image";

    public ulong SizeBytes => (ulong)_base.Length;

    public bool IsMounted => false;

    public bool IsWritable => true;

    public IReadOnlyList<string> Notices => [];

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length);
        for (long at = (long)offsetBytes; !buffer.IsEmpty;)
        {
            ReadOnlySpan<byte> page = Page((int)(at / SparseBytes.PageSize))[(int)(at % SparseBytes.PageSize)..];
            page = page[..Math.Min(page.Length, buffer.Length)];
            page.CopyTo(buffer);
            buffer = buffer[page.Length..];
            at += page.Length;
        }
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data)
    {
        CheckRange(offsetBytes, data.Length);
        for (long at = (long)offsetBytes; !data.IsEmpty;)
        {
            int index = (int)(at / SparseBytes.PageSize);
            if (!_changed.TryGetValue(index, out byte[]? page))
                _changed[index] = page = _base.Page(index).ToArray();

            Span<byte> target = page.AsSpan((int)(at % SparseBytes.PageSize));
            int length = Math.Min(target.Length, data.Length);
            data[..length].CopyTo(target);
            data = data[length..];
            at += length;
        }
    }

    public void Flush()
    {
    }

    public void Discard(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Dispose()
    {
    }

    private ReadOnlySpan<byte> Page(int index) => _changed.TryGetValue(index, out byte[]? changed) ? changed : _base.Page(index);

    private void CheckRange(ulong offset, int length)
    {
        if (offset > SizeBytes || (ulong)length > SizeBytes - offset)
            throw new EndOfStreamException($"image: {length} bytes at {offset} reach behind the end at {SizeBytes}");
    }
}
