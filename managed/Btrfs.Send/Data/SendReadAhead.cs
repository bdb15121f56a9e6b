using System.Diagnostics.CodeAnalysis;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send.State;
using Btrfs.Storage;

namespace Btrfs.Send.Data;

/// <summary>
/// Goes through the tree of a whole send on a thread of its own, some way in front: the leaves that it reads are verified and in the cache when the send comes to them, and the
/// data that they lead to is on its way from the disk. What goes wrong here is left for the send to come upon.
/// </summary>
internal sealed class SendReadAhead : IDisposable
{
    // Enough to keep a disk busy while the send works off what is there, and small against any memory.
    private const ulong DataAhead = 48 << 20;
    private const ulong StepBytes = 4 << 20;
    private const int LeavesAhead = 64;

    private readonly Subvolume _subvolume;
    private readonly DataReader _data;
    private readonly int _sectorSize;
    private readonly Thread _thread;

    // What was planned, in order: up to which place of the send, and how much by then.
    private readonly Queue<(ulong Inode, ulong Offset, ulong Bytes, int Leaves)> _plan = new();
    private ulong _plannedBytes;
    private int _plannedLeaves;
    private ulong _passedBytes;
    private int _passedLeaves;

    // A range that grows as long as neighbours follow each other, and goes to the device in one.
    private ulong _rangeStart;
    private ulong _rangeLength;

    private ulong _inode;
    private ulong _offset;
    private bool _stops;

    private SendReadAhead(FsInfo fs, Subvolume subvolume)
    {
        _subvolume = subvolume;
        _data = fs.Data;
        _sectorSize = fs.SectorSize;
        _thread = new Thread(Run) { IsBackground = true, Name = "send: read ahead" };
        _thread.Start();
    }

    /// <summary>Null where it is not worth a thread.</summary>
    public static SendReadAhead? TryStart(SendContext context) =>
        context.Send.Root.Tree.Level > 0 && Environment.ProcessorCount > 1 ? new SendReadAhead(context.Fs, context.Send) : null;

    /// <summary>Tells where the send is.</summary>
    public void Note(ulong inode, ulong offset)
    {
        Volatile.Write(ref _offset, offset);
        Volatile.Write(ref _inode, inode);
    }

    public void Dispose()
    {
        Volatile.Write(ref _stops, true);
        _thread.Join();
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "whatever it is, the send reads the same and tells")]
    private void Run()
    {
        try
        {
            Walk();
        }
        catch (Exception)
        {
            // The send goes on without.
        }
    }

    private void Walk()
    {
        TreeCursor cursor = _subvolume.OpenCursor();
        cursor.Seek(new Key(ObjectIds.FirstFree, ItemType.InodeItem, 0));
        while (cursor.IsValid && !Volatile.Read(ref _stops))
        {
            _plannedLeaves++;
            for (int slot = cursor.Slot; slot < cursor.Leaf.Count; slot++)
            {
                Key key = cursor.Leaf.Leaf.Key(slot);
                if (key.Type == ItemType.ExtentData)
                    Plan(FileExtent.At(cursor.Leaf, slot));
            }

            Key last = cursor.Leaf.Leaf.Key(cursor.Leaf.Count - 1);
            Remember(last.ObjectId, 0);
            WaitForSend();
            cursor.MoveToNextLeaf();
        }

        Fetch();
    }

    private void Plan(in FileExtent extent)
    {
        if (extent.IsInline || extent.IsHole || extent.Type == FileExtentType.Prealloc)
            return;

        // Of a compressed extent all is read for any part.
        bool isPlain = extent.Compression == CompressionType.None;
        ulong start = extent.DiskBytenr + (isPlain ? extent.ExtentOffset : 0);
        ulong length = isPlain ? extent.NumBytes : extent.DiskNumBytes;
        for (ulong done = 0; done < length && !Volatile.Read(ref _stops);)
        {
            ulong step = Math.Min(length - done, StepBytes);
            Add(start + done, step);
            done += step;
            if (done < length || step == StepBytes)
            {
                Remember(extent.Inode, isPlain ? extent.FileOffset + done : extent.FileOffset);
                WaitForSend();
            }
        }
    }

    private void Add(ulong start, ulong length)
    {
        if (_rangeStart + _rangeLength != start || _rangeLength >= StepBytes)
        {
            Fetch();
            _rangeStart = start;
        }

        _rangeLength += length;
        _plannedBytes += length;
    }

    private void Fetch()
    {
        if (_rangeLength > 0)
            _data.Prefetch(new LogicalAddress(_rangeStart - _rangeStart % (ulong)_sectorSize), (int)_rangeLength);
        _rangeLength = 0;
    }

    private void Remember(ulong inode, ulong offset) => _plan.Enqueue((inode, offset, _plannedBytes, _plannedLeaves));

    private void WaitForSend()
    {
        while (true)
        {
            Pass();
            bool isFar = _plannedBytes - _passedBytes > DataAhead || _plannedLeaves - _passedLeaves > LeavesAhead;
            if (!isFar || Volatile.Read(ref _stops))
                return;

            Fetch();
            Thread.Sleep(1);
        }
    }

    // The two numbers may be of different moments: then it is a little nearer or farther than it thinks.
    private void Pass()
    {
        ulong inode = Volatile.Read(ref _inode);
        ulong offset = Volatile.Read(ref _offset);
        while (_plan.TryPeek(out (ulong Inode, ulong Offset, ulong Bytes, int Leaves) place)
            && (place.Inode < inode || (place.Inode == inode && place.Offset <= offset)))
        {
            _passedBytes = place.Bytes;
            _passedLeaves = place.Leaves;
            _plan.Dequeue();
        }
    }
}
