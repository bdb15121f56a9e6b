using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Inode.Data;

/// <summary>
/// Reads ranges of sectors and verifies them on two threads: a thread of its own, and the caller's while it waits. Each range is taken in its turn by whoever is free, so the
/// caller never waits for more than the range that is just being read. For one caller.
/// </summary>
public sealed class SectorReader : IDisposable
{
    // What a file system's caller begins at once is bounded by its buffers; the queue only has to hold it.
    private const int MaxWaiting = 64;

    // A range takes 5 to 50 microseconds from the page cache: to sleep and be woken takes as long.
    private const int SpinMicroseconds = 100;

    private readonly FsInfo _fs;
    private readonly SectorSums _sectorSums;
    private readonly bool _sumsAreCrc32C;
    private readonly object _lock = new();
    private readonly Queue<SectorRead> _waiting = new(MaxWaiting);

    // Its length, for who looks without the lock.
    private volatile int _waitingCount;
    private readonly bool _hasHelper = Environment.ProcessorCount > 1;
    private ChecksumTree? _checksums;
    private ChecksumTree? _helperChecksums;
    private byte[] _sums = [];
    private Thread? _helper;
    private SectorRead? _helperRead;
    private bool _helperSleeps;
    private bool _callerSleeps;
    private volatile bool _isDisposed;

    public SectorReader(FsInfo fs)
    {
        _fs = fs;
        _sectorSums = new SectorSums(fs.SectorSize);
        _sumsAreCrc32C = fs.Data.ChecksumType == ChecksumType.Crc32C;
    }

    /// <summary>Bytes that one checksum covers.</summary>
    public int SectorSize => _fs.SectorSize;

    /// <summary>Puts a read at the end of the queue. Its members stay as they are until it is finished or dropped.</summary>
    /// <param name="read">At rest.</param>
    public void Begin(SectorRead read)
    {
        Invariant.That(read.IsAtRest);
        read.State = SectorReadState.Waiting;
        lock (_lock)
        {
            _waiting.Enqueue(read);
            _waitingCount = _waiting.Count;

            // One alone is the caller's, who comes for it sooner than a thread is awake.
            if (_waiting.Count < 2 || !_hasHelper)
                return;
            if (_helperSleeps)
                Monitor.PulseAll(_lock);
        }

        if (_helper is null)
        {
            _helper = new Thread(Help) { IsBackground = true, Name = "sector reader" };
            _helper.Start();
        }
    }

    /// <summary>Returns when a read that was begun is through, and does its part of what waits before it.</summary>
    public SectorReadState Finish(SectorRead read)
    {
        while (!read.IsAtRest && TryTake(out SectorRead? next))
            Run(next, ref _checksums);

        long start = Stopwatch.GetTimestamp();
        while (!read.IsAtRest && HasTime(start))
            Thread.Yield();
        if (!read.IsAtRest)
        {
            lock (_lock)
            {
                _callerSleeps = true;
                while (!read.IsAtRest)
                    Monitor.Wait(_lock);
                _callerSleeps = false;
            }
        }

        return read.State;
    }

    /// <summary>Gives up what was begun: when this returns, nobody writes to its buffers any more.</summary>
    public void Drop()
    {
        SectorRead? running;
        lock (_lock)
        {
            foreach (SectorRead read in _waiting)
                read.State = SectorReadState.Idle;
            _waiting.Clear();
            _waitingCount = 0;
            running = _helperRead;
        }

        if (running is not null)
            Finish(running);
    }

    /// <summary>Reads at once, and repairs what can be repaired.</summary>
    /// <exception cref="ChecksumException">No mirror has a sector with its checksum, or none is stored.</exception>
    /// <exception cref="IOException">No mirror of a sector could be read.</exception>
    public void Read(LogicalAddress start, Memory<byte> destination, bool hasChecksums)
    {
        SectorRead read = new() { Start = start, Destination = destination, HasChecksums = hasChecksums };
        ReadSums(read, ref _checksums);
        _fs.Data.Read(start, destination.Span, read.Sums);
    }

    /// <summary>
    /// The crc32c register of bytes that were read: from their checksums where those are crc32c and were verified, else by looking at the bytes once more.
    /// </summary>
    /// <param name="read">At rest, its destination filled.</param>
    /// <param name="offset">A multiple of the sector size.</param>
    /// <param name="length">A multiple of the sector size.</param>
    /// <param name="register">Of what comes before.</param>
    public uint Register(SectorRead read, int offset, int length, uint register = 0) =>
        read.HasChecksums && _sumsAreCrc32C && read.State is (SectorReadState.Good or SectorReadState.Repaired)
            ? _sectorSums.Register(read.Sums.Slice(offset / SectorSize * sizeof(uint), length / SectorSize * sizeof(uint)), register)
            : Crc32C.Update(register, read.Destination.Span.Slice(offset, length));

    /// <summary>The crc32c register that sectors have by their stored checksums, if those are crc32c, whatever they really hold.</summary>
    /// <exception cref="ChecksumException">One has none.</exception>
    public uint? StoredRegister(LogicalAddress start, int length)
    {
        if (!_sumsAreCrc32C)
            return null;

        int bytes = length / SectorSize * sizeof(uint);
        if (_sums.Length < bytes)
            _sums = new byte[bytes];
        (_checksums ??= new ChecksumTree(_fs)).Read(start, _sums.AsSpan(0, bytes));
        return _sectorSums.Register(_sums.AsSpan(0, bytes));
    }

    /// <summary>For how many bytes from <paramref name="start"/> on checksums stand in one item: data that was likely written together.</summary>
    /// <exception cref="ChecksumException">There is none for the first sector.</exception>
    public ulong RunLength(LogicalAddress start) => (_checksums ??= new ChecksumTree(_fs)).RunLength(start);

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _waiting.Clear();
            _waitingCount = 0;
            Monitor.PulseAll(_lock);
        }

        _helper?.Join();
    }

    private static bool HasTime(long start) => Stopwatch.GetElapsedTime(start).TotalMicroseconds < SpinMicroseconds;

    private bool TryTake([NotNullWhen(true)] out SectorRead? read)
    {
        lock (_lock)
        {
            if (!_waiting.TryDequeue(out read))
                return false;
            _waitingCount = _waiting.Count;
            read.State = SectorReadState.Running;
            return true;
        }
    }

    private void Help()
    {
        while (true)
        {
            SectorRead? read;
            lock (_lock)
            {
                _helperRead = null;
                if (_callerSleeps)
                    Monitor.PulseAll(_lock);
            }

            long start = Stopwatch.GetTimestamp();
            while (_waitingCount == 0 && !_isDisposed && HasTime(start))
                Thread.Yield();
            lock (_lock)
            {
                while (!_isDisposed && _waiting.Count == 0)
                {
                    _helperSleeps = true;
                    Monitor.Wait(_lock);
                    _helperSleeps = false;
                }

                if (_isDisposed)
                    return;
                read = _helperRead = _waiting.Dequeue();
                _waitingCount = _waiting.Count;
                read.State = SectorReadState.Running;
            }

            Run(read, ref _helperChecksums);
        }
    }

    private void Run(SectorRead read, ref ChecksumTree? checksums)
    {
        try
        {
            ReadSums(read, ref checksums);
            bool isFirstChoice = _fs.Data.Read(read.Start, read.Destination.Span, read.Sums);
            read.State = isFirstChoice ? SectorReadState.Good : SectorReadState.Repaired;
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            // Whoever wants it reads it again where the file's name is known, and tells.
            read.State = SectorReadState.Failed;
        }
    }

    private void ReadSums(SectorRead read, ref ChecksumTree? checksums)
    {
        if (!read.HasChecksums)
            return;

        checksums ??= new ChecksumTree(_fs);
        int bytes = read.Destination.Length / _fs.SectorSize * checksums.ChecksumSize;
        if (read.SumBuffer.Length < bytes)
            read.SumBuffer = new byte[bytes];
        read.SumBytes = bytes;
        checksums.Read(read.Start, read.SumBuffer.AsSpan(0, bytes));
    }
}
