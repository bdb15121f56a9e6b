using System.Runtime.InteropServices;
using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Roots;

/// <summary>
/// Counts for quotas which extents each subvolume reaches. Each tree is walked by itself; an extent remembers the set of subvolumes that reached it so
/// far as a number, and there are few different sets.
/// </summary>
internal sealed class QgroupCount
{
    private readonly CheckState _state;
    private readonly int[] _setOf;
    private readonly List<ulong[]> _sets = [[]];
    private readonly Dictionary<(int Set, ulong Root), int> _grown = [];
    private ulong[] _bytes = [];
    private ulong _root;

    public QgroupCount(CheckState state)
    {
        _state = state;
        _setOf = new int[state.Extents.Count];
    }

    /// <summary>The subvolumes that were counted.</summary>
    public List<ulong> Roots { get; } = [];

    /// <exception cref="CorruptMetadataException">A block can't be read.</exception>
    public void Add(RootRecord root)
    {
        _root = root.Id;
        Roots.Add(root.Id);
        int dropLevel = root.Item.DropProgress.ToKey() == default ? 0 : root.Item.DropLevel;
        Visit(root.Tree.Pointer, dropLevel, root.Item.DropProgress);
    }

    /// <summary>Ends the counting.</summary>
    public void Finish()
    {
        _bytes = new ulong[_sets.Count];
        for (int extent = 0; extent < _setOf.Length; extent++)
            _bytes[_setOf[extent]] += _state.Extents.Length(extent);
    }

    /// <summary>What any of some subvolumes reaches, and what no other one does.</summary>
    public (ulong Referenced, ulong Exclusive) Of(HashSet<ulong> roots)
    {
        ulong referenced = 0;
        ulong exclusive = 0;
        for (int set = 1; set < _sets.Count; set++)
        {
            int inside = _sets[set].Count(roots.Contains);
            if (inside > 0)
                referenced += _bytes[set];
            if (inside == _sets[set].Length)
                exclusive += _bytes[set];
        }

        return (referenced, exclusive);
    }

    private void Visit(in BlockPointer pointer, int dropLevel, Key dropProgress)
    {
        _state.Cancellation.ThrowIfCancellationRequested();
        if (!TryCount(pointer.Bytenr.Value))
            return;

        ExtentBuffer buffer = _state.Fs.Blocks.Read(pointer, _root);
        if (buffer.Level == 0)
        {
            Leaf(buffer);
            return;
        }

        NodeView node = buffer.Node;
        for (int slot = 0; slot < node.Count; slot++)
        {
            if (dropLevel > 0 && buffer.Level >= dropLevel && slot + 1 < node.Count && node.Key(slot + 1) <= dropProgress)
                continue;

            ref readonly KeyPointer child = ref node.Pointer(slot);
            Visit(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, buffer.Level - 1, child.Key), dropLevel, dropProgress);
        }
    }

    private void Leaf(ExtentBuffer buffer)
    {
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            if (leaf.Key(slot).Type != ItemType.ExtentData)
                continue;

            Inode.FileExtent extent = Inode.FileExtent.At(buffer, slot);
            if (extent.DiskBytenr != 0)
                TryCount(extent.DiskBytenr);
        }
    }

    /// <summary>Adds the subvolume to an extent's set; false when it is in it.</summary>
    private bool TryCount(ulong bytenr)
    {
        int extent = _state.Extents.Find(bytenr);
        if (extent < 0)
            return false;

        int set = _setOf[extent];
        ulong[] roots = _sets[set];
        if (roots.Length > 0 && roots[^1] == _root)
            return false;

        ref int grown = ref CollectionsMarshal.GetValueRefOrAddDefault(_grown, (set, _root), out bool isKnown);
        if (!isKnown)
        {
            grown = _sets.Count;
            _sets.Add([.. roots, _root]);
        }

        _setOf[extent] = grown;
        return true;
    }
}
