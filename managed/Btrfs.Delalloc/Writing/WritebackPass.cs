using Btrfs.Delalloc.Files;
using Btrfs.Delalloc.Pages;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Writing;

/// <summary>
/// Writes dirty data of a file back, batch after batch in the order of the file, once through: what is dirtied behind it meanwhile is left to the next. Each batch
/// decides as the kernel does: inline, in place, compressed or plain.
/// </summary>
internal sealed class WritebackPass(FsWriter writer, SubvolumeWriters subvolumes, PagePool pool, DelallocReservation reservation, WritebackControl control)
{
    private const int ItemsToOpen = 16;

    /// <summary>Many small extents are entered in several parts anyway; more of them under way only keeps pages busy.</summary>
    private const int MaxExtents = 4096;

    private readonly int _sectorSize = pool.PageSize;

    // Half of the memory may be under way while the other half is written to.
    private readonly int _maxPages = (int)Math.Min(FormatLimits.MaxExtentSize / (ulong)pool.PageSize, (ulong)Math.Max(pool.Capacity / 2, 1));

    private long _writtenBytes;

    /// <summary>How much was written back so far.</summary>
    public long WrittenBytes => Interlocked.Read(ref _writtenBytes);

    /// <summary>Writes back all that is dirty in a range by now, and waits for what is under way there.</summary>
    /// <param name="node">The file, in use by the caller.</param>
    /// <param name="from">In bytes.</param>
    /// <param name="to">In bytes.</param>
    public void Run(BufferedInode node, ulong from, ulong to)
    {
        control.Begins?.Invoke(node.RootId, node.Inode);
        lock (node.WritebackGate)
        {
            ulong first = from / (ulong)_sectorSize;
            ulong end = to / (ulong)_sectorSize + (to % (ulong)_sectorSize > 0 ? 1UL : 0);
            ulong[] chunks;
            lock (node.State)
            {
                // A run that begins in the range is written to its end, as the kernel does: it would make two extents otherwise.
                end = node.EndOfRun(end);
                chunks = node.DirtyChunks(first, end);
            }

            int next = 0;
            while (Step(node, chunks, ref next, first, end))
            {
            }
        }

        control.Ended?.Invoke(node.RootId, node.Inode);
    }

    /// <summary>Writes back one batch, going on where the last one ended.</summary>
    public void RunSome(BufferedInode node)
    {
        control.Begins?.Invoke(node.RootId, node.Inode);
        lock (node.WritebackGate)
        {
            // All that is dirty may lie before that place, be it in the very chunk of the page map.
            if (!StepFrom(node, node.WritebackSector))
                StepFrom(node, 0);
        }

        control.Ended?.Invoke(node.RootId, node.Inode);
    }

    /// <summary>Puts an inode whose data is in the tree and whose size or times are not.</summary>
    public void StoreInode(BufferedInode node)
    {
        lock (node.WritebackGate)
        {
            lock (node.State)
            {
                if (node.Time is null && node.DiskSize == node.Size)
                    return;
            }

            using Transaction part = writer.BeginPromised(ItemsToOpen, out _);
            InodeItem item = default;
            Change? change = part.TryGetRoot(node.RootId) is { IsDead: false } ? new Change(part, subvolumes.Get(node.RootId), evenReadOnly: true) : null;
            if (change is null || !change.TryGetInode(node.Inode, out item))
            {
                lock (node.State)
                    node.ForgetInode();
                return;
            }

            SizeRule.Apply(change, node, ref item);
            change.PutInode(node.Inode, ref item);
            change.Finish();
            part.Complete();
        }
    }

    // Writes one batch from a sector on, and the next one begins behind it, or anew where it was the last.
    private bool StepFrom(BufferedInode node, ulong sector)
    {
        ulong[] chunks;
        lock (node.State)
            chunks = node.DirtyChunks(sector, ulong.MaxValue);
        int next = 0;
        if (!Step(node, chunks, ref next, sector, ulong.MaxValue))
            return false;
        if (next == chunks.Length)
            node.WritebackSector = 0;
        return true;
    }

    private bool Step(BufferedInode node, ulong[] chunks, ref int next, ulong firstSector, ulong endSector)
    {
        OrderedBatch? batch;
        lock (node.State)
            batch = node.TakeUp(chunks, ref next, firstSector, endSector, _maxPages, MaxExtents);
        if (batch is null)
            return false;

        try
        {
            control.UnderWay?.Invoke(node.RootId, node.Inode);
            Write(node, batch);
            Interlocked.Add(ref _writtenBytes, (long)batch.Pages.Length * _sectorSize);
        }
        catch (Exception error) when (error is BtrfsException or IOException or ObjectDisposedException)
        {
            // A device that loses data can't be trusted with more. It is told to whoever asks for durability: fsync of this file, or commit.
            if (error is IOException)
                writer.Latch(error);
            lock (node.State)
                node.Error ??= error;
        }
        finally
        {
            lock (node.State)
            {
                node.EndBatch();
                node.WritebackSector = batch.Extents[^1].EndSector;
                if (node.DirtyPages == 0)
                    node.DirtySince = 0;
            }

            pool.Return(batch.Pages);
            reservation.Release(batch.Promise);
        }

        return true;
    }

    private void Write(BufferedInode node, OrderedBatch batch)
    {
        WritebackJob job = new(writer, subvolumes.Get(node.RootId), pool, node, batch);
        if (Begin(job) is { } rest)
            rest();
    }

    /// <summary>Decides, and does what can be done in the same part.</summary>
    /// <returns>What remains, outside of the part; null if nothing does.</returns>
    private Action? Begin(WritebackJob job)
    {
        using Transaction part = writer.BeginPromised(ItemsToOpen, out _);
        if (job.Open(part, out InodeItem item) is not { } change)
            return null;

        // A property is a wish, and is not forgotten because some data doesn't shrink.
        bool mayMark = job.Encoder.Compression != CompressionType.None && XattrItems.TryGet(change, job.Node.Inode, Properties.CompressionName) is null;
        bool isMarked = mayMark && InlineWriteback.IsTriedInVain(job);
        if (isMarked)
            item.Flags = item.Flags | (ulong)InodeFlags.NoCompress;
        if (InlineWriteback.TryEnter(job, change, ref item))
            return null;

        Action rest;
        if (Change.Has(item, InodeFlags.NoDataCow | InodeFlags.Prealloc))
        {
            rest = new InPlaceWriteback(job).Run;
        }
        else if (job.Encoder.Compression != CompressionType.None)
        {
            rest = () => new CompressedWriteback(job, isMarked).Run(mayMark);
        }
        else
        {
            PlainWriteback plain = new(job);
            plain.Allocate(change);
            rest = plain.Run;
        }

        change.Finish();
        part.Complete();
        return rest;
    }
}
