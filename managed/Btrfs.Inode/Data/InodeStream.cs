using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Inode.Data;

/// <summary>
/// The content of a file as a seekable stream. Every sector is verified against its checksum, holes read as zeros whether the file has items
/// for them or not, and no more is in memory than one extent's encoded and decoded bytes. Not thread-safe.
/// </summary>
public sealed class InodeStream : System.IO.Stream
{
    /// <summary>Longer reads are cut: the reader keeps checksums for the whole of one.</summary>
    private const int LongestPiece = 1 << 20;

    private readonly FileReader _reader;
    private readonly TreeCursor _extents;
    private readonly ulong _subvolumeId;
    private readonly ulong _inode;
    private readonly int _sectorSize;
    private readonly bool _verify;
    private long _position;

    /// <param name="subvolume">Where the file is.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="reader">Shared by streams that are used in turns; null for one of its own.</param>
    /// <exception cref="InvalidRequestException">The inode is no regular file.</exception>
    /// <exception cref="CorruptMetadataException">There is no such inode, or its size is none.</exception>
    public InodeStream(Subvolume subvolume, ulong inode, FileReader? reader = null)
        : this(subvolume, inode, RegularFile(subvolume, inode), reader)
    {
    }

    /// <summary>For a writer, whose inode item in hand is newer than the one in the tree.</summary>
    internal InodeStream(Subvolume subvolume, ulong inode, ulong size, InodeFlags flags)
        : this(subvolume, inode, (size, flags), reader: null)
    {
    }

    private InodeStream(Subvolume subvolume, ulong inode, (ulong Size, InodeFlags Flags) status, FileReader? reader)
    {
        if (status.Size > long.MaxValue)
            throw new CorruptMetadataException($"corrupt metadata: root={subvolume.Id} inode={inode}, invalid size, have {status.Size} expect at most {long.MaxValue}");

        _reader = reader ?? new FileReader(subvolume.Fs);
        _extents = subvolume.OpenCursor();
        _subvolumeId = subvolume.Id;
        _inode = inode;
        _sectorSize = subvolume.Fs.SectorSize;
        _verify = (status.Flags & InodeFlags.NoDataSum) == 0;
        Length = (long)status.Size;
    }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new IOException($"a position can't be negative: {value}");
    }

    /// <summary>Reads up to the buffer's length, and fewer bytes only at the end of the file.</summary>
    /// <exception cref="ChecksumException">No copy of a sector has its checksum; the message names inode, offset and address.</exception>
    /// <exception cref="CorruptMetadataException">The tree is damaged, or compressed bytes can't be decoded.</exception>
    /// <exception cref="IOException">No copy could be read.</exception>
    public override int Read(Span<byte> buffer)
    {
        int wanted = (int)Math.Min(buffer.Length, Math.Max(Length - _position, 0));
        for (int done = 0; done < wanted;)
        {
            int piece = ReadPiece(buffer[done..wanted]);
            done += piece;
            _position += piece;
        }

        return wanted;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>
    /// Finds the first bytes at or behind an offset that are stored. What lies between is zeros: holes, and preallocated space.
    /// </summary>
    /// <param name="from">Byte offset in the file.</param>
    /// <param name="start">Where the bytes begin.</param>
    /// <param name="end">Where their extent ends; at most the file's length.</param>
    /// <returns>False if there are none up to the end of the file.</returns>
    public bool TryFindData(long from, out long start, out long end)
    {
        for (bool found = SeekExtentAround((ulong)from); found; found = _extents.MoveNext() && IsExtent())
        {
            FileExtent extent = FileExtent.At(_extents);
            start = Math.Max(from, (long)Math.Min(extent.FileOffset, long.MaxValue));
            end = (long)Math.Min(extent.End(_sectorSize), (ulong)Length);
            if (start < end && !extent.IsHole && extent.Type != FileExtentType.Prealloc)
                return true;
        }

        start = end = Length;
        return false;
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("the file system is read-only");

    public override void SetLength(long value) => throw new NotSupportedException("the file system is read-only");

    private static (ulong Size, InodeFlags Flags) RegularFile(Subvolume subvolume, ulong inode)
    {
        FileStatus status = subvolume.GetStatus(inode);
        return status.IsRegular
            ? (status.Size, status.Flags)
            : throw new InvalidRequestException($"root={subvolume.Id} inode={inode} is not a regular file");
    }

    // One extent, or one hole, at a time.
    private int ReadPiece(Span<byte> buffer)
    {
        ulong position = (ulong)_position;
        buffer = buffer[..Math.Min(buffer.Length, LongestPiece)];
        bool found = SeekExtentAround(position);
        if (found && FileExtent.At(_extents) is var extent && extent.FileOffset <= position)
        {
            buffer = Shorten(buffer, extent.End(_sectorSize) - position);
            ReadExtent(extent, position, buffer);
        }
        else
        {
            if (found)
                buffer = Shorten(buffer, _extents.Key.Offset - position);
            buffer.Clear();
        }

        return buffer.Length;
    }

    private void ReadExtent(in FileExtent extent, ulong position, Span<byte> buffer)
    {
        try
        {
            _reader.Read(extent, position, buffer, _verify);
        }
        catch (ChecksumException error)
        {
            throw new ChecksumException($"root={_subvolumeId} inode={_inode} file offset={position}: {error.Message}");
        }
        catch (IOException error)
        {
            throw new IOException($"root={_subvolumeId} inode={_inode} file offset={position}: {error.Message}", error);
        }
    }

    /// <summary>Moves to the extent that holds an offset, else to the next one; false if there is neither.</summary>
    private bool SeekExtentAround(ulong offset)
    {
        Key key = new(_inode, ItemType.ExtentData, offset);
        if (_extents.SeekFloor(key) && IsExtent() && FileExtent.At(_extents).End(_sectorSize) > offset)
            return true;
        _extents.Seek(key.Next());
        return IsExtent();
    }

    private bool IsExtent() => _extents.IsValid && _extents.Key.ObjectId == _inode && _extents.Key.Type == ItemType.ExtentData;

    private static Span<byte> Shorten(Span<byte> buffer, ulong length) => buffer[..(int)Math.Min((ulong)buffer.Length, length)];
}
