using System.IO.Compression;

namespace Btrfs.Fuzz.Images;

/// <summary>The bytes of a device in pages, of which one that is all zeros takes no memory. Never changes once it is loaded.</summary>
internal sealed class SparseBytes
{
    public const int PageSize = 4096;
    private static readonly byte[] s_zeros = new byte[PageSize];
    private readonly List<byte[]> _pages = [];

    public long Length => (long)_pages.Count * PageSize;

    public int PageCount => _pages.Count;

    public static SparseBytes LoadCompressed(string path)
    {
        using FileStream file = File.OpenRead(path);
        using GZipStream unpacked = new(file, CompressionMode.Decompress);
        SparseBytes bytes = new();
        byte[] page = new byte[PageSize];
        while (unpacked.ReadAtLeast(page, PageSize, throwOnEndOfStream: false) is > 0 and int read)
        {
            if (read != PageSize)
                throw new InvalidDataException($"{path}: its length is not a multiple of {PageSize}");
            bytes._pages.Add(page.AsSpan().IndexOfAnyExcept((byte)0) < 0 ? s_zeros : [.. page]);
        }

        return bytes;
    }

    public ReadOnlySpan<byte> Page(int index) => _pages[index];

    public byte[] Read(long offset, int length)
    {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length;)
        {
            long at = offset + done;
            ReadOnlySpan<byte> rest = Page((int)(at / PageSize))[(int)(at % PageSize)..];
            rest = rest[..Math.Min(rest.Length, length - done)];
            rest.CopyTo(bytes.AsSpan(done));
            done += rest.Length;
        }

        return bytes;
    }
}
