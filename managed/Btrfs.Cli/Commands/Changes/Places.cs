using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Changes;

/// <summary>Where things go that are named by a destination: under that name, or into the directory of that name.</summary>
internal static class Places
{
    /// <summary>Null where nothing is at the path.</summary>
    public static Location? TryFind(FsInfo fs, FsPath path) => new PathLookup(fs).TryFind(path);

    public static bool IsDirectory(Location at) => at.IsEmptySubvolumeDirectory || at.GetStatus(at.Inode).IsDirectory;

    /// <summary>The path that something gets: the destination, or, where a directory is, a name in it.</summary>
    public static FsPath Choose(FsInfo fs, FsPath destination, ReadOnlySpan<byte> name) =>
        TryFind(fs, destination) is { } found && IsDirectory(found) ? Join(destination, name) : destination;

    public static FsPath Join(FsPath directory, ReadOnlySpan<byte> name) => new((byte[])[.. directory.Bytes.TrimEnd((byte)'/'), (byte)'/', .. name]);

    /// <summary>The last part of a path; empty for the top.</summary>
    public static byte[] NameOf(FsPath path)
    {
        ReadOnlySpan<byte> trimmed = path.Bytes.TrimEnd((byte)'/');
        ReadOnlySpan<byte> last = trimmed[(trimmed.LastIndexOf((byte)'/') + 1)..];
        return last.SequenceEqual("."u8) ? [] : last.ToArray();
    }

    /// <summary>The path without its last part.</summary>
    public static FsPath Above(FsPath path)
    {
        ReadOnlySpan<byte> trimmed = path.Bytes.TrimEnd((byte)'/');
        return new FsPath(trimmed[..Math.Max(trimmed.LastIndexOf((byte)'/'), 0)].ToArray());
    }

    /// <summary>A directory that can be changed.</summary>
    /// <exception cref="InvalidRequestException">There is none.</exception>
    public static Location FindDirectory(FsInfo fs, FsPath path)
    {
        Location found = new PathLookup(fs).Find(path);
        return !found.IsEmptySubvolumeDirectory && IsDirectory(found) ? found : throw new InvalidRequestException($"'{path}' is not a directory");
    }
}
