using Btrfs.Format;

namespace Btrfs.Inode.Names;

/// <summary>One name of an inode: the directory that holds it, its place there, and the name itself.</summary>
public readonly ref struct NameRef(ulong parent, ulong index, ReadOnlySpan<byte> name)
{
    public ulong Parent { get; } = parent;

    public ulong Index { get; } = index;

    public ReadOnlySpan<byte> Name { get; } = name;
}

/// <summary>Enumerates the names in one InodeRef or InodeExtref item, in the order in which they lie there.</summary>
public ref struct NameRefEnumerator
{
    private readonly bool _isExtref;
    private readonly ulong _keyParent;
    private ReadOnlySpan<byte> _rest;
    private NameRef _current;

    public NameRefEnumerator(Key key, ReadOnlySpan<byte> item)
    {
        _isExtref = key.Type == ItemType.InodeExtref;
        _keyParent = key.Offset;
        _rest = item;
        _current = default;
    }

    public readonly NameRef Current => _current;

    public readonly NameRefEnumerator GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;

        if (_isExtref)
        {
            ref readonly InodeExtref extref = ref Overlay.At<InodeExtref>(_rest);
            _current = new NameRef(extref.Parent, extref.Index, _rest.Slice(InodeExtref.Size, extref.NameLength));
            _rest = _rest[(InodeExtref.Size + extref.NameLength)..];
        }
        else
        {
            ref readonly InodeRef inodeRef = ref Overlay.At<InodeRef>(_rest);
            _current = new NameRef(_keyParent, inodeRef.Index, _rest.Slice(InodeRef.Size, inodeRef.NameLength));
            _rest = _rest[(InodeRef.Size + inodeRef.NameLength)..];
        }

        return true;
    }

    public static bool IsNameItem(ItemType type) => type is ItemType.InodeRef or ItemType.InodeExtref;
}
