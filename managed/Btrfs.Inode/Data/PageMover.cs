using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Inode.Data;

/// <summary>
/// Brings whole sectors into a sink as they lie on the disk, by handing over the pages of the host's cache. They are checked before, through windows that are small enough to
/// stay in the processor's caches; or not at all, where the stored checksums alone tell the register of a stream. What was checked is what goes as long as nobody writes
/// there: a committed extent is written by nobody until it is freed. Not thread-safe.
/// </summary>
public sealed class PageMover
{
    /// <summary>For fewer bytes it costs more to hand over pages than to copy.</summary>
    public const int LeastBytes = 16 << 10;

    private const int WindowBytes = 512 << 10;

    // One that is being sent, one for each of the two threads that check, and one in store.
    private const int Windows = 4;

    private readonly FsInfo _fs;
    private readonly SectorReader _reader;
    private readonly PageStream _sink;
    private readonly bool _verify;
    private readonly int _sectorSize;
    private readonly SectorRead[] _windows = new SectorRead[Windows];
    private readonly byte[]?[] _buffers = new byte[]?[Windows];

    // Of a run of neighbours window n is checked in place n % Windows. Those below the current one are given up, those below _begun are begun.
    private LogicalAddress _runStart;
    private ulong _runLength;
    private bool _runHasChecksums;
    private ulong _current;
    private ulong _begun;

    /// <param name="fs">The file system.</param>
    /// <param name="reader">Of this file system. Nobody else has begun reads when it is used from here.</param>
    /// <param name="sink">Where the pages go.</param>
    /// <param name="verify">Whether they are checked before.</param>
    public PageMover(FsInfo fs, SectorReader reader, PageStream sink, bool verify)
    {
        _fs = fs;
        _reader = reader;
        _sink = sink;
        _verify = verify;
        _sectorSize = fs.SectorSize;
        for (int place = 0; place < Windows; place++)
            _windows[place] = new SectorRead();
    }

    /// <summary>
    /// Whether a range can go, and the crc32c register, begun at zero, of its bytes. False where a sector is wrong on the mirror that is read first, or can't be read: whoever reads it
    /// properly repairs that, or tells.
    /// </summary>
    /// <param name="start">Of a sector.</param>
    /// <param name="length">In bytes.</param>
    /// <param name="following">How many bytes behind it will be asked for next: they are checked along with it.</param>
    /// <param name="hasChecksums">False for an inode without checksums.</param>
    /// <param name="register">Of the range.</param>
    public bool TryPrepare(LogicalAddress start, int length, ulong following, bool hasChecksums, out uint register)
    {
        register = 0;
        if (start.Value % (ulong)_sectorSize != 0 || length % _sectorSize != 0 || length > WindowBytes)
            return false;

        try
        {
            if (!_verify && hasChecksums && _reader.StoredRegister(start, length) is { } stored)
            {
                register = stored;
                return true;
            }

            return TryCheck(start, length, following, hasChecksums, ref register);
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            return false;
        }
    }

    /// <summary>Lets a range go that is prepared. Fewer bytes than asked for where the sink or the device refuses: the caller carries the rest.</summary>
    /// <returns>How many bytes went.</returns>
    public int Move(LogicalAddress start, int length) => _fs.Data.MovePages(start, length, _sink);

    /// <summary>Reads, and verifies whatever the mode, what did not go.</summary>
    /// <param name="start">As it was prepared.</param>
    /// <param name="length">As it was prepared.</param>
    /// <param name="moved">How many bytes went.</param>
    /// <param name="hasChecksums">False for an inode without checksums.</param>
    /// <returns>The bytes from there on.</returns>
    /// <exception cref="ChecksumException">No mirror has a sector with its checksum.</exception>
    /// <exception cref="IOException">No mirror of a sector could be read.</exception>
    public ReadOnlySpan<byte> ReadRest(LogicalAddress start, int length, int moved, bool hasChecksums)
    {
        int whole = moved - moved % _sectorSize;
        byte[] rest = new byte[length - whole];
        _reader.Read(start + (ulong)whole, rest, hasChecksums);
        return rest.AsSpan(moved - whole);
    }

    private bool TryCheck(LogicalAddress start, int length, ulong following, bool hasChecksums, ref uint register)
    {
        ulong end = start.Value + (ulong)length;
        bool isInRun = hasChecksums == _runHasChecksums && start.Value >= _runStart.Value + _current * WindowBytes && end <= _runStart.Value + _runLength;
        if (!isInRun)
            BeginRun(start, (ulong)length + following, hasChecksums);

        _current = (start - _runStart) / WindowBytes;
        ulong last = (end - 1 - _runStart.Value) / WindowBytes;
        BeginWindows();
        for (ulong window = _current; window <= last; window++)
        {
            SectorRead read = _windows[window % Windows];
            if (_reader.Finish(read) != SectorReadState.Good)
                return false;

            ulong from = Math.Max(start.Value, read.Start.Value);
            ulong to = Math.Min(end, read.Start.Value + (ulong)read.Destination.Length);
            register = _reader.Register(read, (int)(from - read.Start.Value), (int)(to - from), register);
        }

        return true;
    }

    private void BeginRun(LogicalAddress start, ulong length, bool hasChecksums)
    {
        _reader.Drop();

        // Where requests follow each other on the disk, the next one will be for what lies behind.
        bool continues = _runLength > 0 && start >= _runStart && start <= _runStart + _runLength;
        _runLength = 0;
        if (continues && hasChecksums)
            length = Math.Max(length, _reader.RunLength(start));
        _runStart = start;
        _runLength = length - length % (ulong)_sectorSize;
        _runHasChecksums = hasChecksums;
        _current = _begun = 0;
    }

    private void BeginWindows()
    {
        ulong end = Math.Min(_current + Windows, (_runLength + WindowBytes - 1) / WindowBytes);
        for (_begun = Math.Max(_begun, _current); _begun < end; _begun++)
        {
            int place = (int)(_begun % Windows);
            byte[] buffer = _buffers[place] ??= GC.AllocateUninitializedArray<byte>(WindowBytes, pinned: true);
            SectorRead read = _windows[place];

            // Who jumps over a window leaves it behind as it is.
            _reader.Finish(read);
            read.Start = _runStart + _begun * WindowBytes;
            read.Destination = buffer.AsMemory(0, (int)Math.Min(WindowBytes, _runLength - _begun * WindowBytes));
            read.HasChecksums = _runHasChecksums;
            _reader.Begin(read);
        }
    }
}
