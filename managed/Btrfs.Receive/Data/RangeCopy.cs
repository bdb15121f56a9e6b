using Btrfs.Inode.Changes;

namespace Btrfs.Receive.Data;

/// <summary>Copies a range of a file that can't be shared: its offsets are not whole sectors here, or one of the two files has no checksums.</summary>
internal sealed class RangeCopy(SubvolumeBatch batch, SubvolumeWriter subvolume, PendingData pending)
{
    private const int BufferBytes = 128 << 10;

    /// <summary>Copies data, and makes holes of holes.</summary>
    /// <param name="source">The subvolume of the source.</param>
    /// <param name="request">Within the source, and where it is the same file, apart.</param>
    public void Run(SubvolumeWriter source, in CloneRange request)
    {
        byte[] buffer = new byte[BufferBytes];
        ulong end = request.SourceOffset + request.Length;
        ulong shift = unchecked(request.Offset - request.SourceOffset);
        for (ulong at = request.SourceOffset; at < end;)
        {
            pending.Flush();
            bool found = batch.TryFindData(source, request.SourceInode, at, out ulong begin, out ulong dataEnd) && begin < end;
            begin = found ? Math.Max(begin, at) : end;
            MakeHole(request.Inode, unchecked(at + shift), begin - at);
            dataEnd = found ? Math.Min(dataEnd, end) : end;
            for (at = begin; at < dataEnd;)
            {
                int length = (int)Math.Min(dataEnd - at, BufferBytes);
                batch.Read(source, request.SourceInode, at, buffer.AsSpan(0, length));
                pending.Flush();
                pending.Add(request.Inode, unchecked(at + shift), buffer.AsSpan(0, length));
                at += (ulong)length;
            }
        }

        pending.Flush();
    }

    private void MakeHole(ulong inode, ulong offset, ulong length)
    {
        if (length == 0)
            return;
        ulong size = batch.GetStatus(subvolume, inode).Size;
        if (offset < size)
            batch.Allocate(inode, offset, length, AllocateMode.PunchHole);
        if (offset + length > size)
            batch.Truncate(inode, offset + length);
    }
}

/// <summary>A range of a file, and where in another one it goes.</summary>
internal readonly record struct CloneRange(ulong SourceInode, ulong SourceOffset, ulong Length, ulong Inode, ulong Offset);
