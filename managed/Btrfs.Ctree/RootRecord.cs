using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Ctree;

/// <summary>A root item as the root tree holds it, with the key that it lies under.</summary>
public sealed class RootRecord
{
    private readonly RootItem _item;

    public RootRecord(Key key, in RootItem item)
    {
        Key = key;
        _item = item;
    }

    public Key Key { get; }

    public ulong Id => Key.ObjectId;

    public ref readonly RootItem Item => ref _item;

    public bool IsReadOnly => (_item.Flags & RootFlags.ReadOnly) != 0;

    /// <summary>Deleted, and waiting for the cleaner.</summary>
    public bool IsDead => _item.Refs.Value == 0 || (_item.Flags & RootFlags.Dead) != 0;

    public TreeRoot Tree => new(Id, new LogicalAddress(_item.Bytenr), _item.Generation, _item.Level);

    /// <summary>Under which UUID a stream names this subvolume: the one it was received with, if it was.</summary>
    public Uuid StreamUuid => _item.ReceivedUuid.IsZero ? _item.Uuid : _item.ReceivedUuid;

    /// <summary>
    /// Reads an item of either size. The members behind the old size count only while their own generation agrees:
    /// a kernel from before 2012 updates the item without them.
    /// </summary>
    public static RootRecord Read(Key key, ReadOnlySpan<byte> data)
    {
        RootItem item = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<RootItem>(ref item));
        data[..Math.Min(data.Length, bytes.Length)].CopyTo(bytes);
        if (item.GenerationV2.Value != item.Generation.Value)
            bytes[RootItem.LegacySize..].Clear();
        return new RootRecord(key, item);
    }
}
