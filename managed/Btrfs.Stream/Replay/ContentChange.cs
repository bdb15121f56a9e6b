namespace Btrfs.Stream.Replay;

/// <summary>Commands that change the content of files. Data stays where it is: only its place is noted.</summary>
internal sealed class ContentChange(ReplayedSubvolume subvolume, Func<Guid, ulong, ReplayedSubvolume?> find, List<EncodedWrite> encoded)
{
    private const int EncodedWriteBytes = 40;

    // The modes of fallocate() that a stream can carry.
    private const uint KeepSize = 1;
    private const uint PunchHole = 2;
    private const uint ZeroRange = 16;

    /// <param name="command">Not one of names or attributes.</param>
    /// <param name="input">The number of the input that it lies in.</param>
    /// <param name="memory">Grows with what is noted.</param>
    public void Apply(in StreamCommand command, int input, ref long memory)
    {
        ReplayedInode file = FindFile(command, ref memory);
        file.Extents ??= new ExtentList();
        long before = file.Extents.MemoryBytes;
        switch (command.Type)
        {
            case CommandType.Write:
                Put(file, Offset(command), command.GetBytes(AttributeType.Data).Length, input, command.PayloadOffset(AttributeType.Data));
                break;
            case CommandType.UpdateExtent:
                Put(file, Offset(command), (long)command.GetU64(AttributeType.Size), ContentExtent.Untold, 0);
                break;
            case CommandType.EncodedWrite:
                PutEncoded(command, file, input, ref memory);
                break;
            case CommandType.Clone:
                Clone(command, file, ref memory);
                break;
            case CommandType.Truncate:
                long size = (long)command.GetU64(AttributeType.Size);
                file.Extents.Clear(size, long.MaxValue);
                file.Size = size;
                break;
            case CommandType.Fallocate:
                Allocate(command, file);
                break;
            default:
                throw Refused(command, "it can't be applied");
        }

        memory += file.Extents.MemoryBytes - before;
    }

    private static void Put(ReplayedInode file, long offset, long length, int source, long sourceOffset)
    {
        if (length == 0)
            return;
        file.Extents!.Replace(offset, offset + length, [new ContentExtent(offset, length, source, sourceOffset)]);
        file.Size = Math.Max(file.Size, offset + length);
    }

    private void PutEncoded(in StreamCommand command, ReplayedInode file, int input, ref long memory)
    {
        command.TryGetU32(AttributeType.Compression, out uint compression);
        encoded.Add(new EncodedWrite(
            input,
            command.PayloadOffset(AttributeType.Data),
            command.GetBytes(AttributeType.Data).Length,
            (int)command.GetU64(AttributeType.UnencodedLen),
            compression));
        memory += EncodedWriteBytes;
        Put(file, Offset(command), (long)command.GetU64(AttributeType.UnencodedFileLen), ContentExtent.OfEncoded(encoded.Count - 1), (long)command.GetU64(AttributeType.UnencodedOffset));
    }

    private void Clone(in StreamCommand command, ReplayedInode file, ref long memory)
    {
        Guid uuid = command.GetGuid(AttributeType.CloneUuid);
        ulong ctransid = command.GetU64(AttributeType.CloneCtransid);
        ReplayedSubvolume source = uuid == subvolume.Uuid
            ? subvolume
            : find(uuid, ctransid) ?? throw Refused(command, $"no stream of the chain makes the clone source, {uuid} of ctransid {ctransid}");
        ReadOnlySpan<byte> path = command.GetBytes(AttributeType.ClonePath);
        if (!source.TryFind(path, out int number) || source.GetInode(number) is not { IsRegular: true } from)
            throw Refused(command, $"clone_path '{Text.Of(path)}' leads to no regular file");

        long start = (long)command.GetU64(AttributeType.CloneOffset);
        long length = (long)command.GetU64(AttributeType.CloneLen);
        if (start + length > from.Size)
            throw Refused(command, $"{length} bytes at {start} go beyond the end of the clone source '{Text.Of(path)}', at {from.Size}");

        long offset = Offset(command);
        ContentExtent[] parts = from.Extents?.Parts(start, start + length, offset - start) ?? [];
        memory += 32L * parts.Length;
        file.Extents!.Replace(offset, offset + length, parts);
        file.Size = Math.Max(file.Size, offset + length);
    }

    private static void Allocate(in StreamCommand command, ReplayedInode file)
    {
        long offset = Offset(command);
        long end = offset + (long)command.GetU64(AttributeType.Size);
        uint mode = command.GetU32(AttributeType.FallocateMode);
        if ((mode & ~(KeepSize | PunchHole | ZeroRange)) != 0 || (mode & (PunchHole | KeepSize)) == PunchHole)
            throw Refused(command, $"fallocate mode {mode} is unknown");

        if ((mode & (PunchHole | ZeroRange)) != 0)
            file.Extents!.Clear(offset, end);
        if ((mode & KeepSize) == 0)
            file.Size = Math.Max(file.Size, end);
    }

    private ReplayedInode FindFile(in StreamCommand command, ref long memory)
    {
        ReadOnlySpan<byte> path = command.GetBytes(AttributeType.Path);
        if (!subvolume.TryFind(path, out int number))
            throw Refused(command, $"path '{Text.Of(path)}' leads nowhere");
        if (!subvolume.GetInode(number).IsRegular)
            throw Refused(command, $"'{Text.Of(path)}' is not a regular file");
        return subvolume.Change(number, ref memory);
    }

    private static long Offset(in StreamCommand command) => (long)command.GetU64(AttributeType.FileOffset);

    private static StreamFormatException Refused(in StreamCommand command, string problem) => new(command.Offset, command.Type, problem);
}
