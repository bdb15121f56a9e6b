using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Space.Refs;

/// <summary>
/// An extent item taken apart to be changed and put together again: its head, and the references inside it, in the order that the format asks for: by type,
/// and within a type by falling <see cref="ReferenceKey.Order"/>. One is reused for all items.
/// </summary>
internal sealed class InlineReferences
{
    private readonly List<(ReferenceKey Key, uint Count)> _references = [];
    private ExtentItem _head;
    private TreeBlockInfo _info;
    private bool _hasInfo;
    private ulong? _ownerRoot;

    public ref ExtentItem Head => ref _head;

    /// <summary>The root that simple quotas charge; null where the item does not say.</summary>
    public ulong? OwnerRoot => _ownerRoot;

    /// <summary>Bytes of the item as it would be written.</summary>
    public int Size { get; private set; }

    public bool IsEmpty => _references.Count == 0;

    /// <summary>Begins a new item.</summary>
    /// <param name="head">Its head.</param>
    /// <param name="info">For a tree block under the old kind of key.</param>
    /// <param name="ownerRoot">For data under simple quotas.</param>
    public void Start(in ExtentItem head, TreeBlockInfo? info, ulong? ownerRoot)
    {
        _references.Clear();
        _head = head;
        _hasInfo = info is not null;
        _info = info.GetValueOrDefault();
        _ownerRoot = ownerRoot;
        Size = ExtentItem.Size + (_hasInfo ? TreeBlockInfo.Size : 0) + (ownerRoot is null ? 0 : ExtentInlineRef.Size);
    }

    /// <param name="item">Passed the gate.</param>
    /// <param name="type">Of its key.</param>
    public void Read(ReadOnlySpan<byte> item, ItemType type)
    {
        ExtentItem head = MemoryMarshal.Read<ExtentItem>(item);
        ReadOnlySpan<byte> rest = item[ExtentItem.Size..];
        TreeBlockInfo? info = null;
        if (type == ItemType.ExtentItem && (head.Flags & ExtentFlags.TreeBlock) != 0)
        {
            info = MemoryMarshal.Read<TreeBlockInfo>(rest);
            rest = rest[TreeBlockInfo.Size..];
        }

        Start(head, info, ownerRoot: null);
        while (!rest.IsEmpty)
            rest = ReadOne(rest);
    }

    public int Find(in ReferenceKey key)
    {
        for (int i = 0; i < _references.Count; i++)
        {
            if (_references[i].Key == key)
                return i;
        }

        return -1;
    }

    public uint CountAt(int index) => _references[index].Count;

    /// <summary>A count of zero takes the reference out.</summary>
    public void SetCount(int index, uint count)
    {
        ReferenceKey key = _references[index].Key;
        if (count != 0)
        {
            _references[index] = (key, count);
            return;
        }

        _references.RemoveAt(index);
        Size -= SizeOf(key);
    }

    public void Add(in ReferenceKey key, uint count)
    {
        int place = 0;
        while (place < _references.Count && IsBefore(_references[place].Key, key))
            place++;
        _references.Insert(place, (key, count));
        Size += SizeOf(key);
    }

    public static int SizeOf(in ReferenceKey key) => key.Type switch
    {
        ItemType.ExtentDataRef => 1 + ExtentDataRef.Size,
        ItemType.SharedDataRef => ExtentInlineRef.Size + SharedDataRef.Size,
        _ => ExtentInlineRef.Size,
    };

    /// <param name="destination">Of <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        Invariant.That(destination.Length == Size);
        MemoryMarshal.Write(destination, _head);
        destination = destination[ExtentItem.Size..];
        if (_hasInfo)
        {
            MemoryMarshal.Write(destination, _info);
            destination = destination[TreeBlockInfo.Size..];
        }

        if (_ownerRoot is { } owner)
        {
            MemoryMarshal.Write(destination, new ExtentInlineRef { Type = ItemType.ExtentOwnerRef, Offset = owner });
            destination = destination[ExtentInlineRef.Size..];
        }

        foreach ((ReferenceKey key, uint count) in _references)
            destination = WriteOne(destination, key, count);
    }

    private static bool IsBefore(in ReferenceKey left, in ReferenceKey right) =>
        left.Type != right.Type ? left.Type < right.Type : left.Order > right.Order;

    private static Span<byte> WriteOne(Span<byte> destination, ReferenceKey key, uint count)
    {
        destination[0] = (byte)key.Type;
        if (key.Type == ItemType.ExtentDataRef)
        {
            MemoryMarshal.Write(destination[1..], new ExtentDataRef { Root = key.Owner, ObjectId = key.Inode, Offset = key.Offset, Count = count });
            return destination[(1 + ExtentDataRef.Size)..];
        }

        MemoryMarshal.Write(destination, new ExtentInlineRef { Type = key.Type, Offset = key.Owner });
        destination = destination[ExtentInlineRef.Size..];
        if (key.Type != ItemType.SharedDataRef)
            return destination;

        MemoryMarshal.Write(destination, new SharedDataRef { Count = count });
        return destination[SharedDataRef.Size..];
    }

    private ReadOnlySpan<byte> ReadOne(ReadOnlySpan<byte> rest)
    {
        ItemType type = (ItemType)rest[0];
        if (type == ItemType.ExtentDataRef)
        {
            ref readonly ExtentDataRef use = ref MemoryMarshal.AsRef<ExtentDataRef>(rest[1..]);
            Append(ReferenceKey.OfFile(new DataReference(use.Root, use.ObjectId, use.Offset)), use.Count);
            return rest[(1 + ExtentDataRef.Size)..];
        }

        ulong offset = MemoryMarshal.AsRef<ExtentInlineRef>(rest).Offset;
        rest = rest[ExtentInlineRef.Size..];
        switch (type)
        {
            case ItemType.ExtentOwnerRef:
                _ownerRoot = offset;
                Size += ExtentInlineRef.Size;
                return rest;
            case ItemType.TreeBlockRef:
                Append(ReferenceKey.OfTree(offset), 1);
                return rest;
            case ItemType.SharedBlockRef:
                Append(ReferenceKey.OfParentBlock(offset), 1);
                return rest;
            default:
                Append(ReferenceKey.OfSharedLeaf(offset), MemoryMarshal.AsRef<SharedDataRef>(rest).Count);
                return rest[SharedDataRef.Size..];
        }
    }

    private void Append(in ReferenceKey key, uint count)
    {
        _references.Add((key, count));
        Size += SizeOf(key);
    }
}
