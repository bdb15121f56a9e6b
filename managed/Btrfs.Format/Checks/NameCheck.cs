
namespace Btrfs.Format;

/// <summary>The items that hold names: references of inodes and roots to their directories.</summary>
internal static class NameCheck
{
    public static void VerifyInodeRefs(in LeafCursor item)
    {
        InodeCheck.RequireSameInode(in item);
        ReadOnlySpan<byte> rest = item.Data;
        do
        {
            RequireRoom(in item, rest, InodeRef.Size);
            int length = Overlay.At<InodeRef>(rest).NameLength;
            ReadOnlySpan<byte> name = TakeName(in item, ref rest, InodeRef.Size, length);
            VerifyRefName(in item, name, item.Key.Offset);
        }
        while (!rest.IsEmpty);
    }

    public static void VerifyInodeExtrefs(in LeafCursor item)
    {
        InodeCheck.RequireSameInode(in item);
        ReadOnlySpan<byte> rest = item.Data;
        do
        {
            RequireRoom(in item, rest, InodeExtref.Size);
            ref readonly InodeExtref head = ref Overlay.At<InodeExtref>(rest);
            ReadOnlySpan<byte> name = TakeName(in item, ref rest, InodeExtref.Size, head.NameLength);
            VerifyRefName(in item, name, head.Parent);
        }
        while (!rest.IsEmpty);
    }

    public static void VerifyRootRef(in LeafCursor item)
    {
        ReadOnlySpan<byte> rest = item.Data;
        RequireRoom(in item, rest, RootRef.Size);
        int length = Overlay.At<RootRef>(rest).NameLength;
        ReadOnlySpan<byte> name = TakeName(in item, ref rest, RootRef.Size, length);
        VerifyEntryName(in item, name);
        if (!rest.IsEmpty)
            throw item.Corrupt($"invalid root ref size, have {item.Data.Length} expect {RootRef.Size + length}");
    }

    /// <summary>A name that may stand in a path: no VFS lets another one through, and paths are built from them unseen.</summary>
    public static void VerifyEntryName(in LeafCursor item, ReadOnlySpan<byte> name)
    {
        VerifyLength(in item, name.Length);
        if (name.ContainsAny((byte)'/', (byte)0))
            throw item.Corrupt($"invalid name, have a slash or a null byte in {Convert.ToHexStringLower(name)}");
        if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            throw item.Corrupt($"invalid name, have {(name.Length == 1 ? "." : "..")} for an entry");
    }

    public static void VerifyLength(in LeafCursor item, int length)
    {
        if (length is 0 or > FormatLimits.MaxNameLength)
            throw item.Corrupt($"invalid name length, have {length} expect 1 to {FormatLimits.MaxNameLength}");
    }

    public static void RequireRoom(in LeafCursor item, ReadOnlySpan<byte> rest, int size)
    {
        if (rest.Length < size)
            throw item.Corrupt($"{item.Key.Type} crosses the item's end, have {rest.Length} bytes expect at least {size}");
    }

    /// <summary>Only a tree's root directory is its own parent, under the name "..".</summary>
    private static void VerifyRefName(in LeafCursor item, ReadOnlySpan<byte> name, ulong parent)
    {
        if (parent != item.Key.ObjectId || !name.SequenceEqual(".."u8))
            VerifyEntryName(in item, name);
    }

    private static ReadOnlySpan<byte> TakeName(in LeafCursor item, ref ReadOnlySpan<byte> rest, int headSize, int length)
    {
        RequireRoom(in item, rest, headSize + length);
        ReadOnlySpan<byte> name = rest.Slice(headSize, length);
        rest = rest[(headSize + length)..];
        return name;
    }
}
