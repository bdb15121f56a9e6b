using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send.Emit;
using Btrfs.Send.Names;
using Btrfs.Send.State;

namespace Btrfs.Send.Data;

/// <summary>Sends a range as clones from a source as far as the source's file still has the same extent there, and as data where not.</summary>
internal sealed class CloneRange(SendContext context, PathResolver paths, DataSender data, CommandEmitter emitter)
{
    /// <summary>The largest sector that a receiver may have: a clone that ends elsewhere is refused there.</summary>
    private const ulong LargestSector = 65536;

    private readonly Dictionary<ulong, TreeCursor> _cursors = [];
    private readonly SourcePath _sourcePath = new();

    public void Send(in FileExtent extent, CloneSource source, ulong length)
    {
        ulong offset = extent.FileOffset;
        ulong dataOffset = extent.ExtentOffset;

        // One sector from a file's beginning may have become inline at the receiver, and inline data can't be cloned elsewhere.
        if (source.Offset == 0 && length == (ulong)context.Fs.SectorSize)
        {
            data.Send(extent, offset, length);
            return;
        }

        if (!source.Subvolume.TryGetInode(source.Inode, out InodeItem sourceInode))
            throw new CorruptMetadataException($"corrupt metadata: root={source.Subvolume.Id} inode={source.Inode}, the inode item is missing");

        ulong sourceSize = sourceInode.FileSize;
        TreeCursor cursor = CursorAtFirst(source);
        for (; cursor.IsValid && IsExtentOf(cursor.Key, source.Inode); cursor.MoveNext())
        {
            FileExtent at = FileExtent.At(cursor);
            ulong runLength = at.End(context.Fs.SectorSize) - at.FileOffset;
            if (at.FileOffset + runLength <= source.Offset)
                continue;

            if (at.FileOffset > source.Offset)
            {
                ulong hole = Math.Min(at.FileOffset - source.Offset, length);
                data.Send(extent, offset, hole);
                length -= hole;
                if (length == 0)
                    return;
                offset += hole;
                source.Offset += hole;
                dataOffset += hole;
            }

            if (at.FileOffset >= source.Offset + length || at.FileOffset >= sourceSize)
                break;

            bool crossesSourceEnd = at.FileOffset + runLength > sourceSize;
            if (crossesSourceEnd)
                runLength = sourceSize - at.FileOffset;

            bool sameExtent = !at.IsInline && at.DiskBytenr == extent.DiskBytenr;
            ulong sourceDataOffset = at.ExtentOffset;
            if (sameExtent)
            {
                source.Offset = at.FileOffset;
                if (sourceDataOffset < dataOffset && sourceDataOffset + runLength > dataOffset)
                {
                    ulong skip = dataOffset - sourceDataOffset;
                    runLength -= skip;
                    sourceDataOffset += skip;
                    source.Offset += skip;
                }
            }

            ulong cloneLength = Math.Min(runLength, length);
            if (sameExtent && sourceDataOffset == dataOffset)
                SendClone(extent, source, offset, cloneLength, sourceSize);
            else if (crossesSourceEnd && cloneLength < length)
                break;
            else
                data.Send(extent, offset, cloneLength);

            length -= cloneLength;
            if (length == 0)
                return;
            offset += cloneLength;
            source.Offset += cloneLength;

            // Within one file only what was written already can be cloned.
            if (source.Subvolume == context.Send && source.Inode == context.Current.Number && source.Offset >= context.Current.NextWriteOffset)
                break;
            dataOffset += cloneLength;
        }

        if (length > 0)
            data.Send(extent, offset, length);
    }

    private void SendClone(in FileExtent extent, CloneSource source, ulong offset, ulong length, ulong sourceSize)
    {
        ulong sourceEnd = source.Offset + length;
        bool endsInPartialSector = sourceEnd == sourceSize && sourceEnd % LargestSector != 0;
        if (!endsInPartialSector || offset + length >= context.Current.FileSize)
        {
            Emit(source, offset, length);
            return;
        }

        // The source's last, partial block can't be cloned into the middle of a file.
        ulong whole = length - (length % LargestSector);
        if (whole > 0)
            Emit(source, offset, whole);
        data.Send(extent, offset + whole, length - whole);
    }

    private void Emit(CloneSource source, ulong offset, ulong length)
    {
        // Both spans may come out of the resolver's one buffer, but never at once: the file at work has its path kept apart.
        ReadOnlySpan<byte> path = paths.OfCurrent();
        ReadOnlySpan<byte> sourcePath = source.Subvolume == context.Send
            ? paths.Of(new InodeId(source.Inode, ReceiverView.RequireGeneration(context.Send, source.Inode)))
            : _sourcePath.Of(source.Subvolume, source.Inode);
        emitter.Clone(path, offset, length, source.Subvolume.Root, sourcePath, source.Offset);
    }

    private TreeCursor CursorAtFirst(CloneSource source)
    {
        if (!_cursors.TryGetValue(source.Subvolume.Id, out TreeCursor? cursor))
            _cursors.Add(source.Subvolume.Id, cursor = source.Subvolume.OpenCursor());

        Key key = new(source.Inode, ItemType.ExtentData, source.Offset);
        cursor.SeekNear(key);
        if (cursor.IsValid && cursor.Key < key && !IsExtentOf(cursor.Key, source.Inode))
            cursor.MoveNext();
        return cursor;
    }

    private static bool IsExtentOf(Key key, ulong inode) => key.ObjectId == inode && key.Type == ItemType.ExtentData;
}
