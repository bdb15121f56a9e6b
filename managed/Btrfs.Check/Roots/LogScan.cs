using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Roots;

/// <summary>
/// Reads the log trees that an fsync leaves for the next mount. Their blocks lie in free space and no extent item knows them, so that only their
/// soundness block by block is looked at.
/// </summary>
internal sealed class LogScan(CheckState state)
{
    private readonly HashSet<ulong> _seen = [];

    public void Walk()
    {
        ref readonly Superblock super = ref state.Fs.Superblock;
        if (super.LogRoot == 0)
            return;

        state.Notices.Add("there is a log tree: what was only fsynced is not compared with the rest");
        Visit(new BlockPointer(new LogicalAddress(super.LogRoot), 0, super.LogRootLevel, null));
    }

    private void Visit(in BlockPointer pointer)
    {
        state.Cancellation.ThrowIfCancellationRequested();
        if (!_seen.Add(pointer.Bytenr.Value))
            return;

        ExtentBuffer buffer;
        try
        {
            buffer = state.Fs.Blocks.Read(pointer, ObjectIds.TreeLog);
        }
        catch (CorruptMetadataException error)
        {
            state.Log.Add(FindingKind.CorruptBlock, ObjectIds.TreeLog, null, error.Message);
            return;
        }

        for (int slot = 0; slot < buffer.Count; slot++)
        {
            if (buffer.Level > 0)
            {
                ref readonly KeyPointer child = ref buffer.Node.Pointer(slot);
                Visit(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, buffer.Level - 1, child.Key));
            }
            else if (buffer.Leaf.Key(slot).Type == ItemType.RootItem)
            {
                Visit(RootRecord.Read(buffer.Leaf.Key(slot), buffer.Leaf.Data(slot)).Tree.Pointer);
            }
        }
    }
}
