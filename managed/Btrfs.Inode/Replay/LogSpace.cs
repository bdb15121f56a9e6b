using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Inode.Replay;

/// <summary>
/// The space that a log uses, of which no other tree tells. Its blocks are kept until the commit that no longer has the log: a crash before must find
/// them whole. The data that it names is taken for good, as far as the last commit doesn't have it already.
/// </summary>
internal sealed class LogSpace(Transaction part)
{
    private readonly FsInfo _committed = part.Writer.Committed;
    private readonly TreeCursor _extents = part.Writer.Committed.OpenCursor(part.Writer.Committed.GetRoot(ObjectIds.ExtentTree).Tree);
    private readonly Dictionary<ulong, DataExtent> _claimed = [];

    /// <summary>To be called for every tree of the log before anything else is allocated.</summary>
    /// <exception cref="CorruptMetadataException">A block is broken, or space that the log names has another owner.</exception>
    public void Claim(TreeRoot root) => Claim(root.Pointer);

    /// <summary>Adds a use of an extent that the log names: as its first one, where the last commit doesn't know it.</summary>
    public void AddReference(LogicalAddress start, ulong bytes, DataReference use)
    {
        if (_claimed.Remove(start.Value, out DataExtent claimed))
            part.AddExtent(claimed, use);
        else
            part.AddReference(start, bytes, use);
    }

    /// <summary>Gives back what nothing uses after all.</summary>
    public void ReturnRest()
    {
        foreach (DataExtent extent in _claimed.Values)
            part.ReturnData(extent);
        _claimed.Clear();
    }

    // A block that hangs in two places is no longer free when it comes up again, so the walk ends even if the log is broken.
    private void Claim(in BlockPointer pointer)
    {
        ExtentBuffer block = _committed.Blocks.Read(pointer, ObjectIds.TreeLog);
        part.KeepUntilCommit(pointer.Bytenr, (ulong)_committed.NodeSize);
        for (int slot = 0; slot < block.Count; slot++)
        {
            if (block.Level > 0)
            {
                ref readonly KeyPointer child = ref block.Node.Pointer(slot);
                Claim(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, block.Level - 1, child.Key));
            }
            else if (block.Leaf.Key(slot).Type == ItemType.ExtentData)
            {
                FileExtent extent = FileExtent.At(block, slot);
                if (extent.DiskBytenr != 0)
                    ClaimData(extent.DiskBytenr, extent.DiskNumBytes);
            }
        }
    }

    private void ClaimData(ulong start, ulong bytes)
    {
        bool isKnown = _claimed.TryGetValue(start, out DataExtent claimed)
            ? claimed.Bytes == bytes
            : _extents.TryFind(new Key(start, ItemType.ExtentItem, bytes));
        if (!isKnown)
            _claimed.Add(start, part.ClaimData(new LogicalAddress(start), bytes));
    }
}
