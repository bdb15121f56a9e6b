using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Send.State;

/// <summary>An item of a leaf, held by the leaf so that it can be kept.</summary>
internal readonly record struct LeafItem(ExtentBuffer Leaf, int Slot)
{
    public ReadOnlySpan<byte> Data => Leaf.Leaf.Data(Slot);

    public ref readonly T Record<T>()
        where T : unmanaged => ref Leaf.Leaf.Record<T>(Slot);
}

/// <summary>
/// One step of the walk: a key, what became of it, and the item in the send snapshot (<see cref="Left"/>, unless deleted) and the parent snapshot
/// (<see cref="Right"/>, unless new).
/// </summary>
internal readonly record struct ChangedItem(Key Key, ItemChange Change, LeafItem Left, LeafItem Right);
