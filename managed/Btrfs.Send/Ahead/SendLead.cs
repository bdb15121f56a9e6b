using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Send.Ahead;

/// <summary>
/// Keeps a walk in front of a send at its distance: as far as keeps a disk busy, and no farther than what memory holds. One thread walks and plans, another sends and notes.
/// </summary>
/// <param name="fs">The file system.</param>
/// <param name="withData">Whether data is asked for, or only leaves are counted.</param>
internal sealed class SendLead(FsInfo fs, bool withData)
{
    // Enough to keep a disk busy while the send works off what is there, and small against any memory.
    private const ulong DataAhead = 48 << 20;
    private const ulong StepBytes = 4 << 20;
    private const int LeavesAhead = 64;

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
    private bool _isStopped;

    public bool IsStopped => Volatile.Read(ref _isStopped);

    /// <summary>Tells where the send is.</summary>
    public void Note(ulong inode, ulong offset)
    {
        Volatile.Write(ref _offset, offset);
        Volatile.Write(ref _inode, inode);
    }

    /// <summary>Ends the walk, which sees it soon.</summary>
    public void Stop() => Volatile.Write(ref _isStopped, true);

    /// <summary>The walk is through with a leaf, and may go on when this returns.</summary>
    /// <param name="inode">When the send comes to it, it has little or no use for the leaf any more.</param>
    public void EndLeaf(ulong inode)
    {
        _plannedLeaves++;
        Remember(inode, 0);
        WaitForSend();
    }

    /// <summary>Asks for the data of an extent, and returns when there is room for more.</summary>
    public void Plan(in FileExtent extent)
    {
        if (!withData || extent.IsInline || extent.IsHole || extent.Type == FileExtentType.Prealloc)
            return;

        // Of a compressed extent all is read for any part.
        bool isPlain = extent.Compression == CompressionType.None;
        ulong start = extent.DiskBytenr + (isPlain ? extent.ExtentOffset : 0);
        ulong length = isPlain ? extent.NumBytes : extent.DiskNumBytes;
        for (ulong done = 0; done < length && !IsStopped;)
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

    /// <summary>Lets what was planned go to the device.</summary>
    public void Fetch()
    {
        if (_rangeLength > 0)
            fs.Data.Prefetch(new LogicalAddress(_rangeStart - _rangeStart % (ulong)fs.SectorSize), (int)_rangeLength);
        _rangeLength = 0;
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

    private void Remember(ulong inode, ulong offset) => _plan.Enqueue((inode, offset, _plannedBytes, _plannedLeaves));

    private void WaitForSend()
    {
        while (true)
        {
            Pass();
            bool isFar = _plannedBytes - _passedBytes > DataAhead || _plannedLeaves - _passedLeaves > LeavesAhead;
            if (!isFar || IsStopped)
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
