using Btrfs.Delalloc.Files;
using Btrfs.Delalloc.Pages;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Writing;

/// <summary>One batch of one file on its way: what all ways to write it back have in common. Used by one thread; the file's writeback gate is held.</summary>
internal sealed class WritebackJob(FsWriter writer, SubvolumeWriter subvolume, PagePool pool, BufferedInode node, OrderedBatch batch)
{
    public FsWriter Writer { get; } = writer;

    public SubvolumeWriter Subvolume { get; } = subvolume;

    public PagePool Pool { get; } = pool;

    public BufferedInode Node { get; } = node;

    public OrderedBatch Batch { get; } = batch;

    public int SectorSize => Pool.PageSize;

    /// <summary>How the file is stored; known once the job was opened.</summary>
    public DataEncoder Encoder { get; private set; } = null!;

    /// <summary>Looks the file up, in a part of the transaction: what the caller enters goes through it.</summary>
    /// <returns>Null if the file, or its subvolume, is gone.</returns>
    public Change? Open(Transaction part, out InodeItem item)
    {
        item = default;
        if (part.TryGetRoot(Subvolume.RootId) is not { IsDead: false })
            return null;

        // Read-only or not: it was written before it became so.
        Change change = new(part, Subvolume, evenReadOnly: true) { Promise = Batch.Promise };
        if (!change.TryGetInode(Node.Inode, out item))
            return null;
        Encoder ??= DataEncoder.For(change, Node.Inode, item, Node.Options ?? change.Writing);
        return change;
    }

    /// <summary>Puts the inode back, with the size that what is in the tree by now allows, and ends the change.</summary>
    /// <param name="change">The part.</param>
    /// <param name="item">The inode.</param>
    /// <param name="nextSector">From here on nothing of the batch is in the tree yet.</param>
    public void Close(Change change, ref InodeItem item, ulong nextSector)
    {
        lock (Node.State)
            Batch.FirstSector = nextSector;
        SizeRule.Apply(change, Node, ref item);
        change.PutInode(Node.Inode, ref item);
        change.Finish();
        change.Part.Complete();
    }
}
