using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Extents;

/// <summary>Goes through the csum tree, and through the data where that is wanted.</summary>
internal sealed class ChecksumScan
{
    private const int PieceBytes = 1 << 20;

    private readonly CheckState _state;
    private readonly IChecksum _checksum;
    private readonly ulong _sectorSize;
    private readonly bool _isComplete;
    private byte[] _piece = [];

    public ChecksumScan(CheckState state)
    {
        _state = state;
        _checksum = Storage.Checksums.For(state.Fs.Superblock.CsumType);
        _sectorSize = (ulong)state.Fs.SectorSize;
        _isComplete = state.Fs.Devices.Volume.MissingDevices().Count == 0;
    }

    public void Leaf(ExtentBuffer buffer)
    {
        if (_state.Blocks.IsSecondRound)
            return;

        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Key key = leaf.Key(slot);
            if (key.Type != ItemType.ExtentCsum)
                continue;

            ReadOnlySpan<byte> sums = leaf.Data(slot);
            ulong end = key.Offset + (ulong)(sums.Length / _checksum.Size) * _sectorSize;
            _state.Totals.ChecksumBytes += (ulong)sums.Length;
            if (!_state.Checksums.Add(key.Offset, end))
                _state.Log.Add(FindingKind.ChecksumOverlap, ObjectIds.CsumTree, key, $"checksums of {key.Offset} to {end} begin before those in front of them end");
            if (_state.Options.CheckDataChecksums)
                VerifyRun(key, sums);
        }
    }

    /// <summary>Every range with checksums must lie in data extents.</summary>
    public void CompareWithExtents()
    {
        ChecksumRanges ranges = _state.Checksums;
        ExtentTable extents = _state.Extents;
        int extent = 0;
        for (int run = 0; run < ranges.Count; run++)
        {
            for (ulong at = ranges.Start(run); at < ranges.End(run);)
            {
                while (extent < extents.Count && (extents.End(extent) <= at || extents.IsTreeBlock(extent)))
                    extent++;
                ulong begin = extent < extents.Count ? Math.Min(extents.Bytenr(extent), ranges.End(run)) : ranges.End(run);
                if (begin > at)
                    _state.Log.Add(FindingKind.OrphanChecksum, ObjectIds.CsumTree, new Key(ObjectIds.ExtentCsum, ItemType.ExtentCsum, at), $"there are checksums of {at} to {begin}, where no data extent lies");
                at = extent < extents.Count ? Math.Max(begin, Math.Min(extents.End(extent), ranges.End(run))) : ranges.End(run);
            }
        }
    }

    private void VerifyRun(Key key, ReadOnlySpan<byte> sums)
    {
        if (_piece.Length == 0)
            _piece = new byte[PieceBytes];

        LogicalVolume volume = _state.Fs.Devices.Volume;
        LogicalAddress start = new(key.Offset);
        while (!sums.IsEmpty)
        {
            _state.Cancellation.ThrowIfCancellationRequested();
            if (!volume.Chunks.TryFind(start, out Chunk? chunk))
            {
                _state.Log.Add(FindingKind.OrphanChecksum, ObjectIds.CsumTree, key, $"there are checksums of {start}, which no chunk maps");
                return;
            }

            int sectors = (int)Math.Min((ulong)Math.Min(sums.Length / _checksum.Size, PieceBytes / (int)_sectorSize), (chunk.End - start) / _sectorSize);
            if (sectors == 0)
                return;

            Span<byte> piece = _piece.AsSpan(0, sectors * (int)_sectorSize);
            for (int mirror = 1; mirror <= chunk.MirrorCount; mirror++)
                VerifyPiece(volume, start, piece, sums[..(sectors * _checksum.Size)], mirror);
            _state.Totals.VerifiedDataBytes += (ulong)piece.Length;
            start += (ulong)piece.Length;
            sums = sums[(sectors * _checksum.Size)..];
        }
    }

    private void VerifyPiece(LogicalVolume volume, LogicalAddress start, Span<byte> piece, ReadOnlySpan<byte> sums, int mirror)
    {
        try
        {
            volume.Read(start, piece, mirror);
        }
        catch (IOException error)
        {
            if (_isComplete)
                _state.Log.Add(FindingKind.DataChecksum, ObjectIds.CsumTree, null, $"data at {start} mirror {mirror} can't be read: {error.Message}");
            return;
        }

        if (_checksum.VerifySectors(piece, (int)_sectorSize, sums))
            return;

        for (int sector = 0; sector * _checksum.Size < sums.Length; sector++)
        {
            if (!_checksum.VerifySectors(piece.Slice(sector * (int)_sectorSize, (int)_sectorSize), (int)_sectorSize, sums.Slice(sector * _checksum.Size, _checksum.Size)))
                _state.Log.Add(FindingKind.DataChecksum, ObjectIds.CsumTree, null, $"data at {start + (ulong)sector * _sectorSize} mirror {mirror} does not have its checksum");
        }
    }
}
