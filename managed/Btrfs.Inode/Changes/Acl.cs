using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>One entry of an access control list as the xattr holds it. 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct AclEntry
{
    public Le16 Tag;
    public Le16 Permissions;
    public Le32 Id;

    public const int Size = 8;
}

/// <summary>POSIX access control lists, as far as they and the mode of an inode depend on each other. A version number of four bytes, then entries.</summary>
internal static class Acl
{
    private const int HeaderSize = 4;
    private const uint Version = 2;
    private const ushort UserObject = 1;
    private const ushort User = 2;
    private const ushort GroupObject = 4;
    private const ushort Group = 8;
    private const ushort Mask = 16;
    private const ushort Other = 32;

    public static ReadOnlySpan<byte> AccessName => "system.posix_acl_access"u8;

    public static ReadOnlySpan<byte> DefaultName => "system.posix_acl_default"u8;

    public static bool IsValid(ReadOnlySpan<byte> acl) =>
        acl.Length >= HeaderSize && (acl.Length - HeaderSize) % AclEntry.Size == 0 && MemoryMarshal.Read<Le32>(acl).Value == Version;

    /// <summary>Whether a list says no more than a mode can.</summary>
    public static bool IsEquivalentToMode(ReadOnlySpan<byte> acl)
    {
        foreach (ref readonly AclEntry entry in Entries(acl))
        {
            if (entry.Tag.Value is User or Group or Mask)
                return false;
        }

        return true;
    }

    /// <summary>The mode that goes with a list.</summary>
    public static uint ModeOf(ReadOnlySpan<byte> acl, uint mode)
    {
        bool hasMask = HasMask(acl);
        foreach (ref readonly AclEntry entry in Entries(acl))
        {
            if (ShiftOf(entry.Tag, hasMask) is { } shift)
                mode = (mode & ~(PosixMode.TripletMask << shift)) | ((entry.Permissions & PosixMode.TripletMask) << shift);
        }

        return mode;
    }

    /// <summary>Makes a list agree with a mode that was set.</summary>
    public static void Follow(Span<byte> acl, uint mode)
    {
        bool hasMask = HasMask(acl);
        foreach (ref AclEntry entry in MemoryMarshal.Cast<byte, AclEntry>(acl[HeaderSize..]))
        {
            if (ShiftOf(entry.Tag, hasMask) is { } shift)
                entry.Permissions = (ushort)((mode >> shift) & PosixMode.TripletMask);
        }
    }

    /// <summary>Narrows the list that a directory hands on, and the mode that was asked for, to what both allow.</summary>
    public static uint Restrict(Span<byte> acl, uint mode)
    {
        bool hasMask = HasMask(acl);
        foreach (ref AclEntry entry in MemoryMarshal.Cast<byte, AclEntry>(acl[HeaderSize..]))
        {
            if (ShiftOf(entry.Tag, hasMask) is not { } shift)
                continue;
            uint both = entry.Permissions & (mode >> shift) & PosixMode.TripletMask;
            entry.Permissions = (ushort)both;
            mode = (mode & ~(PosixMode.TripletMask << shift)) | (both << shift);
        }

        return mode;
    }

    // The group bits of a mode are those of the mask where there is one.
    private static int? ShiftOf(ushort tag, bool hasMask) => tag switch
    {
        UserObject => PosixMode.UserShift,
        GroupObject when !hasMask => PosixMode.GroupShift,
        Mask => PosixMode.GroupShift,
        Other => 0,
        _ => null,
    };

    private static bool HasMask(ReadOnlySpan<byte> acl)
    {
        foreach (ref readonly AclEntry entry in Entries(acl))
        {
            if (entry.Tag.Value == Mask)
                return true;
        }

        return false;
    }

    private static ReadOnlySpan<AclEntry> Entries(ReadOnlySpan<byte> acl) => MemoryMarshal.Cast<byte, AclEntry>(acl[HeaderSize..]);
}

/// <summary>The lists that a new inode gets from its directory.</summary>
internal readonly struct CreationAcl
{
    private readonly byte[]? _access;
    private readonly byte[]? _default;

    private CreationAcl(byte[]? access, byte[]? @default)
    {
        _access = access;
        _default = @default;
    }

    /// <summary>Works the lists out, and narrows the mode of the new inode by them.</summary>
    public static CreationAcl Of(Change change, ulong directory, ref InodeItem item)
    {
        if (InodeMode.IsSymbolicLink(item.Mode) || XattrItems.TryGet(change, directory, Acl.DefaultName) is not { } inherited || !Acl.IsValid(inherited))
            return default;

        byte[] access = (byte[])inherited.Clone();
        item.Mode = Acl.Restrict(access, item.Mode);
        return new CreationAcl(
            Acl.IsEquivalentToMode(access) ? null : access,
            InodeMode.IsDirectory(item.Mode) ? inherited : null);
    }

    public void Store(Change change, ulong inode)
    {
        if (_default is not null)
            XattrItems.Set(change, inode, Acl.DefaultName, _default);
        if (_access is not null)
            XattrItems.Set(change, inode, Acl.AccessName, _access);
    }
}
