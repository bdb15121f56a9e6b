using Btrfs.Format;

namespace Btrfs.Inode.Names;

/// <summary>One entry of a directory, or one xattr: the two share a format.</summary>
public readonly ref struct DirEntry(Key location, DirEntryType type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
{
    /// <summary>The inode's key in the same tree, or the root item's key of a subvolume. Zero for an xattr.</summary>
    public Key Location { get; } = location;

    public DirEntryType Type { get; } = type;

    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The value of an xattr; empty for entries.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;

    public bool IsSubvolume => Location.Type == ItemType.RootItem;
}

/// <summary>Enumerates the entries of one DirItem, DirIndex or XattrItem: several only where name hashes collide.</summary>
public ref struct DirEntryEnumerator(ReadOnlySpan<byte> item)
{
    private ReadOnlySpan<byte> _rest = item;
    private DirEntry _current;

    public readonly DirEntry Current => _current;

    public readonly DirEntryEnumerator GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;

        ref readonly DirItem head = ref Overlay.At<DirItem>(_rest);
        ReadOnlySpan<byte> name = _rest.Slice(DirItem.Size, head.NameLength);
        ReadOnlySpan<byte> data = _rest.Slice(DirItem.Size + head.NameLength, head.DataLength);
        _current = new DirEntry(head.Location, head.Type, name, data);
        _rest = _rest[(DirItem.Size + head.NameLength + head.DataLength)..];
        return true;
    }

    /// <summary>Finds an entry by name in one item.</summary>
    public static bool TryFind(ReadOnlySpan<byte> item, ReadOnlySpan<byte> name, out DirEntry found)
    {
        foreach (DirEntry entry in new DirEntryEnumerator(item))
        {
            if (entry.Name.SequenceEqual(name))
            {
                found = entry;
                return true;
            }
        }

        found = default;
        return false;
    }
}
