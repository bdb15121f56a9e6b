using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Inode.Import;

/// <summary>An inode that is to be entered: everything about it that can be refused is checked, while nothing has changed yet.</summary>
internal sealed record Prepared
{
    public required ulong Inode { get; init; }

    public required InodeItem Item { get; init; }

    public required IReadOnlyList<(byte[] Name, byte[] Value)> Xattrs { get; init; }

    /// <summary>Value of its compression property, its own or its directory's.</summary>
    public required byte[]? Compression { get; init; }

    /// <summary>Of a symbolic link.</summary>
    public required ReadOnlyMemory<byte> Target { get; init; }

    public static Prepared Of(Change change, ImportDirectory parent, ReadOnlySpan<byte> name, ImportedInode what, ulong size)
    {
        RequireName(change, parent, name);
        NewInode made = new() { Mode = what.Mode, DeviceMajor = what.DeviceMajor, DeviceMinor = what.DeviceMinor, Target = what.Target };
        CreateOperation.RequireSensible(change, parent.Inode, name, made);
        bool isLink = InodeMode.IsSymbolicLink(what.Mode);
        bool hasProperties = InodeMode.IsRegular(what.Mode) || InodeMode.IsDirectory(what.Mode);
        InodeItem item = new()
        {
            FileSize = isLink ? (ulong)what.Target.Length : size,
            NBytes = isLink ? (ulong)what.Target.Length : 0,
            Uid = what.Uid,
            Gid = what.Gid,
            Mode = what.Mode,
            RDev = made.IsDeviceNode ? made.RDev : 0,
            ATime = what.ATime,
            MTime = what.MTime,
            CTime = what.CTime,
            OTime = what.OTime,
        };
        byte[]? compression = CompressionOf(what.Xattrs) ?? parent.Compression;
        if (!hasProperties)
            compression = null;
        CreateOperation.InheritFlags(parent.Flags, ref item);
        if (InodeMode.IsRegular(what.Mode) && Change.Has(item, InodeFlags.NoDataCow))
            compression = null;
        if (compression is not null)
            Properties.Apply(compression, ref item);

        ulong inode = change.NextInode();
        List<(byte[] Name, byte[] Value)> xattrs = [.. what.Xattrs.Where(xattr => !xattr.Name.AsSpan().StartsWith(Properties.Prefix))];
        if (compression is not null)
            xattrs.Add((Properties.CompressionName.ToArray(), compression));
        foreach ((byte[] xattr, byte[] value) in xattrs)
            XattrItems.RequireRoom(change, inode, xattr, value.Length);
        return new Prepared { Inode = inode, Item = item, Xattrs = xattrs, Compression = compression, Target = what.Target };
    }

    /// <exception cref="FileOperationException">The name can't be given.</exception>
    public static void RequireName(Change change, ImportDirectory parent, ReadOnlySpan<byte> name)
    {
        if (parent.IsImported)
            NameEditor.RequireValid(change, parent.Inode, name);
        else
            NameEditor.RequireFree(change, parent.Inode, name);
    }

    private static byte[]? CompressionOf(IReadOnlyList<(byte[] Name, byte[] Value)> xattrs)
    {
        foreach ((byte[] name, byte[] value) in xattrs)
        {
            if (name.AsSpan().SequenceEqual(Properties.CompressionName) && Properties.IsValid(value))
                return value;
        }

        return null;
    }
}
