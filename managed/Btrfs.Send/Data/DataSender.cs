using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Send.Emit;
using Btrfs.Send.Names;
using Btrfs.Send.State;
using Btrfs.Stream;

namespace Btrfs.Send.Data;

/// <summary>Sends the bytes of a range of the file at work, in the form that the options ask for. Where the stream is only counted, no data is read.</summary>
internal sealed class DataSender(SendContext context, PathResolver paths, CommandEmitter emitter, SectorReader sectors, PageMover? pages)
{
    private readonly FileReader _reader = new(context.Fs);

    // Null also from when on the output has refused pages.
    private PageMover? _pages = pages;

    // Where data is copied, commands of one range are filled together.
    private readonly PendingWrites _pending = new(emitter.Writer, sectors);

    private bool Verify => (context.Current.Flags & InodeFlags.NoDataSum) == 0;

    /// <summary>Sends [<paramref name="offset"/>, <paramref name="offset"/> + <paramref name="length"/>), which lies in <paramref name="extent"/>'s run.</summary>
    public void Send(in FileExtent extent, ulong offset, ulong length)
    {
        if (context.Options.NoData)
        {
            emitter.UpdateExtent(paths.OfCurrent(), offset, length);
            return;
        }

        if (context.Options.CompressedData && extent.Compression != CompressionType.None && !extent.IsHole)
        {
            // Worth it only while the encoded bytes are fewer than the range: the whole extent is sent even for a part.
            ulong encodedLength = extent.IsInline ? (ulong)extent.InlinePayload.Length : extent.DiskNumBytes;
            if (encodedLength <= length)
            {
                SendEncoded(extent, offset, length, (int)encodedLength);
                return;
            }
        }

        while (length > 0)
        {
            int piece = (int)Math.Min(length, (ulong)emitter.Writer.MaxWriteBytes);
            context.ReadAhead?.Note(context.Current.Number, offset);
            SendWrite(extent, offset, piece, length - (ulong)piece);
            offset += (ulong)piece;
            length -= (ulong)piece;
        }

        CompletePending(extent);
    }

    /// <summary>Makes [<paramref name="start"/>, <paramref name="end"/>) a hole at the receiver, or zeros where the protocol has no holes.</summary>
    public void SendHole(ulong start, ulong end)
    {
        CurrentInode current = context.Current;
        if (emitter.Protocol >= 2)
        {
            emitter.PunchHole(paths.OfCurrent(), start, end - start);
            return;
        }

        // Nothing is written beyond the end: a truncate would have to take it back.
        if (start >= current.FileSize)
            return;
        end = Math.Min(end, current.FileSize);
        if (context.Options.NoData)
        {
            emitter.UpdateExtent(paths.OfCurrent(), start, end - start);
            return;
        }

        while (start < end)
        {
            int piece = (int)Math.Min(end - start, (ulong)emitter.Writer.MaxWriteBytes);
            Span<byte> zeros = emitter.BeginWrite(paths.OfCurrent(), start, piece);
            if (!emitter.Writer.IsCounting)
                zeros.Clear();
            emitter.Writer.End();
            start += (ulong)piece;
        }

        current.NextWriteOffset = start;
    }

    private void SendWrite(in FileExtent extent, ulong offset, int length, ulong following)
    {
        Span<byte> data = emitter.BeginWrite(paths.OfCurrent(), offset, length);
        if (extent.IsPlain)
        {
            LogicalAddress address = new(extent.DiskBytenr + extent.ExtentOffset + (offset - extent.FileOffset));
            if (TrySendPages(address, length, following))
                return;
            if (_pages is null && _pending.TryBegin(address, offset, length, following, Verify))
            {
                if (!emitter.Writer.HasRoom)
                    CompletePending(extent);
                return;
            }
        }

        Finish(emitter.Writer.IsCounting ? null : Guarded(extent, offset, data, encoded: false));
    }

    private void CompletePending(in FileExtent extent)
    {
        if (_pending.Count == 0)
            return;

        for (int index = 0; index < _pending.Count; index++)
        {
            if (!_pending.TryFinish(index))
                Guarded(extent, _pending.OffsetOf(index), _pending.DataOf(index), encoded: false);
        }

        _pending.Complete();
    }

    private void SendEncoded(in FileExtent extent, ulong offset, ulong length, int encodedLength)
    {
        CommandWriter writer = emitter.Writer;
        writer.Begin(CommandType.EncodedWrite);
        writer.PutBytes(AttributeType.Path, paths.OfCurrent());
        writer.PutU64(AttributeType.FileOffset, offset);
        writer.PutU64(AttributeType.UnencodedFileLen, Math.Min(extent.FileOffset + extent.NumBytes - offset, length));
        writer.PutU64(AttributeType.UnencodedLen, extent.RamBytes);
        writer.PutU64(AttributeType.UnencodedOffset, offset - extent.FileOffset + extent.ExtentOffset);
        writer.PutU32(AttributeType.Compression, Encoding(extent.Compression));
        if (!extent.IsInline)
            writer.PutU32(AttributeType.Encryption, 0);

        Span<byte> data = writer.PutDataHeader(encodedLength);
        if (extent.IsInline)
            extent.InlinePayload.CopyTo(data);
        else if (TrySendPages(new LogicalAddress(extent.DiskBytenr), encodedLength, 0))
            return;
        Finish(extent.IsInline || writer.IsCounting ? null : Guarded(extent, offset, data, encoded: true));
    }

    // Ends a command with its data in place; the register of the data, where it is known, saves summing it again.
    private void Finish(uint? register)
    {
        if (register is { } known)
            emitter.Writer.End(known);
        else
            emitter.Writer.End();
    }

    // Ends the open command with data that is not copied into its place but handed over, if that is possible and worth it.
    private bool TrySendPages(LogicalAddress address, int length, ulong following)
    {
        CommandWriter writer = emitter.Writer;
        if (_pages is not { } pages || length < PageMover.LeastBytes || writer.IsCounting || !pages.TryPrepare(address, length, following, Verify, out uint register))
            return false;

        writer.EndDetached(register);
        int moved = pages.Move(address, length);
        if (moved < length)
        {
            writer.WriteDetached(pages.ReadRest(address, length, moved, Verify));
            _pages = null;
        }

        return true;
    }

    // A bad sector ends the send; the message must tell a person which file it is.
    private uint? Guarded(in FileExtent extent, ulong offset, Span<byte> data, bool encoded)
    {
        try
        {
            return encoded ? _reader.ReadEncoded(extent, data, Verify) : _reader.Read(extent, offset, data, Verify);
        }
        catch (ChecksumException error)
        {
            throw new ChecksumException($"{Where(offset)}: {error.Message}");
        }
        catch (CorruptMetadataException error)
        {
            throw new CorruptMetadataException($"{Where(offset)}: {error.Message}");
        }
        catch (IOException error)
        {
            throw new IOException($"{Where(offset)}: {error.Message}", error);
        }
    }

    private string Where(ulong offset) =>
        $"file '{System.Text.Encoding.UTF8.GetString(paths.OfCurrent())}' (inode {context.Current.Number}) at offset {offset}";

    // Numbers of the encoded I/O interface; lzo is told apart by the sector size that framed it, 4K being the first.
    private uint Encoding(CompressionType compression) => compression switch
    {
        CompressionType.Zlib => 1,
        CompressionType.Zstd => 2,
        CompressionType.Lzo => 3 + (uint)(System.Numerics.BitOperations.Log2((uint)context.Fs.SectorSize) - 12),
        _ => throw new CorruptMetadataException($"{Where(0)}: compression {compression} is unknown"),
    };
}
