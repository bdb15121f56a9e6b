using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>Owners, permissions, times, flags, xattrs and properties.</summary>
internal static class AttributeOperations
{
    /// <summary>What the kernel's VFS takes.</summary>
    private const int MaxXattrValue = 65536;

    /// <summary>What chattr can set.</summary>
    private const InodeFlags Settable = InodeFlags.Sync | InodeFlags.Immutable | InodeFlags.Append | InodeFlags.NoDump | InodeFlags.NoATime
        | InodeFlags.DirSync | InodeFlags.NoDataCow | InodeFlags.Compress | InodeFlags.NoCompress;

    private const InodeFlags OfOthers = InodeFlags.NoDump | InodeFlags.NoATime;

    public static void Set(Change change, ulong inode, AttributeChange what)
    {
        InodeItem item = change.GetInode(inode);
        change.RequireMovable(inode, item);
        change.RequireWritable();
        if (what.Permissions is { } permissions)
        {
            if ((permissions & ~PosixMode.All) != 0)
                throw change.Refuse(FileError.Invalid, inode, $"invalid permissions 0{Convert.ToString(permissions, 8)}");
            item.Mode = (item.Mode & InodeMode.TypeMask) | permissions;
            FollowMode(change, inode, item.Mode);
        }

        item.Uid = what.Uid ?? item.Uid;
        item.Gid = what.Gid ?? item.Gid;
        item.ATime = what.ATime ?? item.ATime;
        item.MTime = what.MTime ?? item.MTime;
        item.CTime = what.CTime ?? change.Now;
        item.OTime = what.OTime ?? item.OTime;
        change.PutInode(inode, ref item);
    }

    /// <summary>Changes the owner as chown does for root: what is no directory loses its set-id bits and capabilities, even if the owner stays. Null leaves a half as it is.</summary>
    public static void ChangeOwner(Change change, ulong inode, uint? uid, uint? gid)
    {
        InodeItem item = change.GetInode(inode);
        change.RequireMovable(inode, item);
        change.RequireWritable();
        item.Uid = uid ?? item.Uid;
        item.Gid = gid ?? item.Gid;
        if (!InodeMode.IsDirectory(item.Mode))
        {
            // The set-group-id bit of what no group may execute means something else, and stays.
            uint lost = (item.Mode & PosixMode.GroupExecute) != 0 ? PosixMode.SetUserId | PosixMode.SetGroupId : PosixMode.SetUserId;
            if ((item.Mode & lost) != 0)
            {
                item.Mode = item.Mode & ~lost;
                FollowMode(change, inode, item.Mode);
            }

            XattrItems.Remove(change, inode, "security.capability"u8);
        }

        item.CTime = change.Now;
        change.PutInode(inode, ref item);
    }

    /// <summary>Sets the flags that chattr sets, all at once; what goes with them (no checksums without copy on write, the compression property) follows.</summary>
    public static void SetFlags(Change change, ulong inode, InodeFlags flags)
    {
        InodeItem item = change.GetInode(inode);
        bool isDirectory = InodeMode.IsDirectory(item.Mode);
        bool isFile = InodeMode.IsRegular(item.Mode);
        if (!isDirectory)
            flags &= ~InodeFlags.DirSync;
        if (!isDirectory && !isFile)
            flags &= OfOthers;
        RequireCompatible(change, inode, flags);
        RequireNoSwitch(change, inode, (InodeFlags)item.Flags.Value, flags);

        InodeFlags known = Settable & ~(InodeFlags.NoDataCow | InodeFlags.Compress | InodeFlags.NoCompress);
        InodeFlags old = (InodeFlags)item.Flags.Value;
        InodeFlags updated = (old & ~known) | (flags & known);
        if ((flags & InodeFlags.NoDataCow) != (old & InodeFlags.NoDataCow))
            updated = WithoutCopyOnWrite(updated, (flags & InodeFlags.NoDataCow) != 0, isFile, change.SizeOf(inode, item));
        item.Flags = (ulong)updated;

        ReadOnlySpan<byte> property = default;
        if ((flags & InodeFlags.Compress) != 0)
            property = "zlib"u8;
        Properties.Apply(property, ref item);
        if ((flags & InodeFlags.NoCompress) != 0)
            item.Flags = item.Flags | (ulong)InodeFlags.NoCompress;
        if (property.IsEmpty)
            XattrItems.Remove(change, inode, Properties.CompressionName);
        else
            XattrItems.Set(change, inode, Properties.CompressionName, property);
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
    }

    public static void SetXattr(Change change, ulong inode, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrMode mode)
    {
        InodeItem item = change.GetInode(inode);
        RequireXattrName(change, inode, name);
        if (value.Length > MaxXattrValue)
            throw change.Refuse(FileError.TooLarge, inode, $"an xattr of {value.Length} bytes is too large, at most {MaxXattrValue}");
        change.RequireMovable(inode, item);
        RequireUserXattrs(change, inode, item, name);
        RequireWritableXattr(change, inode, item, name, value);
        bool exists = XattrItems.TryGet(change, inode, name) is not null;
        if (exists && mode == XattrMode.Create)
            throw change.Refuse(FileError.Exists, inode, "the xattr exists");
        if (!exists && mode == XattrMode.Replace)
            throw change.Refuse(FileError.NoAttribute, inode, "no such xattr");
        if (name.StartsWith(Properties.Prefix))
            ApplyProperty(change, inode, ref item, name, value);
        else if (name.SequenceEqual(Acl.AccessName))
            SetAccessAcl(change, inode, ref item, value);
        else
            Store(change, inode, name, value);
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
    }

    public static void RemoveXattr(Change change, ulong inode, ReadOnlySpan<byte> name)
    {
        InodeItem item = change.GetInode(inode);
        RequireXattrName(change, inode, name);
        change.RequireMovable(inode, item);
        RequireUserXattrs(change, inode, item, name);
        RequireWritableXattr(change, inode, item, name, []);
        if (name.StartsWith(Properties.Prefix))
            RequireProperty(change, inode, item, name, []);
        if (XattrItems.TryGet(change, inode, name) is null)
            throw change.Refuse(FileError.NoAttribute, inode, "no such xattr");
        XattrItems.Remove(change, inode, name);
        if (name.SequenceEqual(Properties.CompressionName))
            Properties.Apply([], ref item);
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
    }

    private static void ApplyProperty(Change change, ulong inode, ref InodeItem item, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        RequireProperty(change, inode, item, name, value);
        change.RequireFeature(Properties.FeatureOf(Properties.TypeOf(value)));
        if (value.IsEmpty)
            XattrItems.Remove(change, inode, name);
        else
            Store(change, inode, name, value);
        Properties.Apply(value, ref item);
    }

    // An empty value takes the property away.
    private static void RequireProperty(Change change, ulong inode, in InodeItem item, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!name.SequenceEqual(Properties.CompressionName) || (!value.IsEmpty && !Properties.IsValid(value)))
            throw change.Refuse(FileError.Invalid, inode, "no such property, or not a value of it");
        if (!InodeMode.IsRegular(item.Mode) && !InodeMode.IsDirectory(item.Mode))
            throw change.Refuse(FileError.Invalid, inode, "only files and directories have properties");
        if (!value.IsEmpty && Change.Has(item, InodeFlags.NoDataSum | InodeFlags.NoDataCow))
            throw change.Refuse(FileError.Invalid, inode, "what has no checksums, or no copy on write, can't be compressed");
    }

    // A list and the mode say the same in part; a list that says no more than the mode is not stored.
    private static void SetAccessAcl(Change change, ulong inode, ref InodeItem item, ReadOnlySpan<byte> acl)
    {
        if (!Acl.IsValid(acl))
            throw change.Refuse(FileError.Invalid, inode, "not an access control list");
        item.Mode = Acl.ModeOf(acl, item.Mode);
        if (Acl.IsEquivalentToMode(acl))
            XattrItems.Remove(change, inode, Acl.AccessName);
        else
            Store(change, inode, Acl.AccessName, acl);
    }

    private static void FollowMode(Change change, ulong inode, uint mode)
    {
        if (XattrItems.TryGet(change, inode, Acl.AccessName) is not { } acl || !Acl.IsValid(acl))
            return;
        Acl.Follow(acl, mode);
        XattrItems.Set(change, inode, Acl.AccessName, acl);
    }

    private static void Store(Change change, ulong inode, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        XattrItems.RequireRoom(change, inode, name, value.Length);
        XattrItems.Set(change, inode, name, value);
    }

    private static InodeFlags WithoutCopyOnWrite(InodeFlags flags, bool on, bool isFile, ulong size)
    {
        // What has been written keeps its checksums, so a file changes over only while it is empty.
        if (isFile && size > 0)
            return flags;
        InodeFlags which = isFile ? InodeFlags.NoDataCow | InodeFlags.NoDataSum : InodeFlags.NoDataCow;
        return on ? flags | which : flags & ~which;
    }

    private static void RequireCompatible(Change change, ulong inode, InodeFlags flags)
    {
        if ((flags & ~Settable) != 0)
            throw change.Refuse(FileError.Invalid, inode, $"flags {flags & ~Settable} can't be set");
        bool compress = (flags & InodeFlags.Compress) != 0;
        if (compress && (flags & (InodeFlags.NoCompress | InodeFlags.NoDataCow)) != 0)
            throw change.Refuse(FileError.Invalid, inode, $"flags {flags} exclude each other");
    }

    // Between compression, in whichever sense, and no copy on write lies a step with neither.
    private static void RequireNoSwitch(Change change, ulong inode, InodeFlags old, InodeFlags flags)
    {
        const InodeFlags Compression = InodeFlags.Compress | InodeFlags.NoCompress;
        bool leavesCompression = (flags & InodeFlags.NoDataCow) != 0 && (old & Compression) != 0;
        bool entersCompression = (old & InodeFlags.NoDataCow) != 0 && (flags & Compression) != 0;
        if (leavesCompression || entersCompression)
            throw change.Refuse(FileError.Invalid, inode, $"flags {old & Settable} can't become {flags} in one step");
    }

    // Links and special files have no permissions, or other ones, that could guard a user's attributes: the VFS lets none be made there.
    private static void RequireUserXattrs(Change change, ulong inode, in InodeItem item, ReadOnlySpan<byte> name)
    {
        if (name.StartsWith("user."u8) && !InodeMode.IsRegular(item.Mode) && !InodeMode.IsDirectory(item.Mode))
            throw change.Refuse(FileError.NotPermitted, inode, "only files and directories have user attributes");
    }

    // A special file belongs to its device, and may be written in a read-only subvolume: so the VFS has no objection, and the property is looked at first.
    private static void RequireWritableXattr(Change change, ulong inode, in InodeItem item, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        bool isSpecial = !InodeMode.IsRegular(item.Mode) && !InodeMode.IsDirectory(item.Mode) && !InodeMode.IsSymbolicLink(item.Mode);
        if (isSpecial && name.StartsWith(Properties.Prefix))
            RequireProperty(change, inode, item, name, value);
        change.RequireWritable();
    }

    private static void RequireXattrName(Change change, ulong inode, ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > FormatLimits.MaxNameLength || name.Contains((byte)0))
            throw change.Refuse(FileError.Invalid, inode, $"invalid xattr name of {name.Length} bytes");
    }
}
