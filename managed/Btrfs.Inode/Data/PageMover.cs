using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Inode.Data;

/// <summary>
/// Brings whole sectors into a sink as they lie on the disk, by handing over the pages of the host's cache. They are checked before, through a window that is small enough to
/// stay in the processor's cache; or not at all, where the stored checksums alone tell the register of a stream. What was checked is what goes as long as nobody writes
/// there: a committed extent is written by nobody until it is freed. Not thread-safe.
/// </summary>
public sealed class PageMover
{
    /// <summary>For fewer bytes it costs more to hand over pages than to copy.</summary>
    public const int LeastBytes = 16 << 10;

    private const int WindowBytes = 512 << 10;

    private readonly FsInfo _fs;
    private readonly PageStream _sink;
    private readonly bool _verify;
    private readonly int _sectorSize;
    private readonly SectorSums _sectorSums;
    private readonly bool _sumsAreCrc32C;
    private ChecksumTree? _checksums;
    private byte[] _sums = [];
    private byte[] _window = [];
    private LogicalAddress _windowStart;
    private int _windowLength;

    /// <param name="fs">The file system.</param>
    /// <param name="sink">Where the pages go.</param>
    /// <param name="verify">Whether they are checked before.</param>
    public PageMover(FsInfo fs, PageStream sink, bool verify)
    {
        _fs = fs;
        _sink = sink;
        _verify = verify;
        _sectorSize = fs.SectorSize;
        _sectorSums = new SectorSums(fs.SectorSize);
        _sumsAreCrc32C = fs.Data.ChecksumType == ChecksumType.Crc32C;
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
        if (start.Value % (ulong)_sectorSize != 0 || length % _sectorSize != 0)
            return false;

        try
        {
            if (!_verify && hasChecksums && _sumsAreCrc32C)
            {
                register = _sectorSums.Register(ReadSums(start, length));
                return true;
            }

            bool isInWindow = start >= _windowStart && start + (ulong)length <= _windowStart + (ulong)_windowLength;
            if (!isInWindow && !FillWindow(start, WindowOf(length, following), hasChecksums))
                return false;
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            return false;
        }

        int offset = (int)(start - _windowStart);
        register = hasChecksums && _sumsAreCrc32C
            ? _sectorSums.Register(_sums.AsSpan(offset / _sectorSize * sizeof(uint), length / _sectorSize * sizeof(uint)))
            : Crc32C.Update(0, _window.AsSpan(offset, length));
        return true;
    }

    /// <summary>Lets a range go that is prepared. Fewer bytes than asked for where the sink or the device refuses: the caller carries the rest.</summary>
    /// <returns>How many bytes went.</returns>
    public int Move(LogicalAddress start, int length) => _fs.Data.MovePages(start, length, _sink);

    /// <summary>Reads, and verifies whatever the mode, what did not go.</summary>
    /// <param name="start">As it was prepared.</param>
    /// <param name="length">As it was prepared.</param>
    /// <param name="moved">How many bytes went.</param>
    /// <param name="hasChecksums">False for an inode without checksums.</param>
    /// <returns>The bytes from there on; good until the next call.</returns>
    /// <exception cref="ChecksumException">No mirror has a sector with its checksum.</exception>
    /// <exception cref="IOException">No mirror of a sector could be read.</exception>
    public ReadOnlySpan<byte> ReadRest(LogicalAddress start, int length, int moved, bool hasChecksums)
    {
        int whole = moved - moved % _sectorSize;
        FillWindow(start + (ulong)whole, length - whole, hasChecksums);
        return _window.AsSpan(moved - whole, length - moved);
    }

    // As many such pieces as fit.
    private static int WindowOf(int length, ulong following) =>
        (int)Math.Min((ulong)length + following, (ulong)(Math.Max(WindowBytes / length, 1) * length));

    private bool FillWindow(LogicalAddress start, int length, bool hasChecksums)
    {
        // Where requests follow each other on the disk, the next one will be for what lies behind.
        bool continues = _windowLength > 0 && start >= _windowStart && start <= _windowStart + (ulong)_windowLength;
        if (continues && hasChecksums && _checksums is not null)
            length = Math.Max(length, (int)Math.Min(_checksums.RunLength(start), WindowBytes));
        length -= length % _sectorSize;
        if (_window.Length < length)
            _window = GC.AllocateUninitializedArray<byte>(Math.Max(length, WindowBytes), pinned: true);

        _windowLength = 0;
        Span<byte> window = _window.AsSpan(0, length);
        if (!_fs.Data.Read(start, window, hasChecksums ? ReadSums(start, length) : default))
            return false;

        _windowStart = start;
        _windowLength = length;
        return true;
    }

    private Span<byte> ReadSums(LogicalAddress start, int length)
    {
        _checksums ??= new ChecksumTree(_fs);
        int bytes = length / _sectorSize * _checksums.ChecksumSize;
        if (_sums.Length < bytes)
            _sums = new byte[bytes];
        Span<byte> sums = _sums.AsSpan(0, bytes);
        _checksums.Read(start, sums);
        return sums;
    }
}
