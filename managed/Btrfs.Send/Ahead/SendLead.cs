using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Interop;

namespace Btrfs.Send.Ahead;

/// <summary>
/// Keeps a walk in front of a send at its distance: as far as keeps a disk busy, and no farther than what memory holds. One thread walks and plans, another sends and notes.
/// </summary>
/// <param name="fs">The file system.</param>
/// <param name="withData">Whether data is asked for, or only leaves are counted.</param>
internal sealed class SendLead(FsInfo fs, bool withData) : IDisposable
{
    /// <summary>
    /// For so much in one piece it pays to wait for it. The host reads faster in its own sequence, in large pages, than what it is asked to have ready; scattered pieces it
    /// reads faster when it knows of many.
    /// </summary>
    public const int PulledBytes = 1 << 20;

    // Enough to keep a disk busy while the send, in fits and starts, works off what is there.
    private const ulong MostDataAhead = 128 << 20;
    private const ulong StepBytes = 4 << 20;
    private const int LeavesAhead = 64;

    // It waits in the host's memory, which has to hold it until the send comes.
    private readonly ulong _dataAhead = Math.Min(MostDataAhead, (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 16);
    private readonly PageStream? _nowhere = withData ? PageStream.TryOpenNowhere() : null;

    // What was planned, in order: up to which place of the send, and how much by then.
    private readonly Queue<(ulong Inode, ulong Offset, ulong Bytes, int Leaves)> _plan = new();
    private ulong _plannedBytes;
    private int _plannedLeaves;
    private ulong _passedBytes;
    private int _passedLeaves;

    // A range that grows as long as neighbours follow each other, and goes to the device in one.
    private ulong _rangeStart;
    private ulong _rangeLength;

    private TreeCursor? _checksums;

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
        LogicalAddress start = new(_rangeStart - _rangeStart % (ulong)fs.SectorSize);
        int length = (int)_rangeLength;
        _rangeLength = 0;
        if (length == 0)
            return;

        _checksums ??= fs.OpenCursor(fs.GetRoot(ObjectIds.CsumTree).Tree);
        _checksums.Prefetch(new Key(ObjectIds.ExtentCsum, ItemType.ExtentCsum, start.Value));
        int pulled = 0;
        if (_nowhere is not null && length >= PulledBytes && fs.Devices.Volume.ContiguousLength(start, length) >= PulledBytes)
            pulled = fs.Data.MovePages(start, length, _nowhere);
        if (pulled < length)
            fs.Data.Prefetch(start + (ulong)pulled, length - pulled);
    }

    public void Dispose() => _nowhere?.Dispose();

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
            bool isFar = _plannedBytes - _passedBytes > _dataAhead || _plannedLeaves - _passedLeaves > LeavesAhead;
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
