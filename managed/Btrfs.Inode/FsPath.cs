using System.Text;

namespace Btrfs.Inode;

/// <summary>
/// A path inside a file system. Names are bytes and need not be UTF-8, so that is what it holds; a string becomes its UTF-8 bytes.
/// A leading slash makes no difference, nor do empty parts and ".". A slash at the end says that a directory is meant.
/// </summary>
public readonly struct FsPath
{
    private readonly ReadOnlyMemory<byte> _bytes;

    public FsPath(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    /// <summary>The top directory of the top level (subvolume 5).</summary>
    public static FsPath Root => default;

    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>Whether it ends in a slash, and so can't stand for anything but a directory.</summary>
    public bool MeansDirectory => Bytes is [.., (byte)'/'];

    public static implicit operator FsPath(string path) => new(Encoding.UTF8.GetBytes(path));

    /// <summary>For messages: what is not UTF-8 is replaced.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Bytes);
}
