using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Verity;
using Btrfs.Receive.Data;
using Btrfs.Stream;

namespace Btrfs.Receive;

internal sealed partial class CommandApplier
{
    // Paths within the clone sources, which don't change meanwhile.
    private readonly Dictionary<ulong, ReceivedPaths> _sourcePaths = [];

    private void Write(in StreamCommand command) =>
        _pending.Add(Find(command), command.GetU64(AttributeType.FileOffset), command.GetBytes(AttributeType.Data));

    private void WriteEncoded(in StreamCommand command)
    {
        _encoded ??= new EncodedWrite(_pending, options.ForceDecompress);
        _encoded.Apply(Find(command), command, subvolume.Writer.Committed.SectorSize);
    }

    private void Clone(in StreamCommand command)
    {
        Uuid from = new(command.GetUuid(AttributeType.CloneUuid));
        SubvolumeWriter source = from == uuid
            ? subvolume
            : subvolume.Sibling(sources.Find(from, command.GetU64(AttributeType.CloneCtransid), "clone source"));
        ulong sourceInode = PathsOf(source).Find(command.GetBytes(AttributeType.ClonePath));
        CloneRange range = new(
            sourceInode,
            command.GetU64(AttributeType.CloneOffset),
            command.GetU64(AttributeType.CloneLen),
            Find(command),
            command.GetU64(AttributeType.FileOffset));
        try
        {
            batch.Clone(source, range.SourceInode, range.SourceOffset, range.Length, range.Inode, range.Offset);
        }
        catch (FileOperationException error) when (error.Error == FileError.Invalid && CanBeCopied(source, range))
        {
            new RangeCopy(batch, subvolume, _pending).Run(source, range);
        }
    }

    // Not what was refused because it is nonsense.
    private bool CanBeCopied(SubvolumeWriter source, in CloneRange range)
    {
        FileStatus from = batch.GetStatus(source, range.SourceInode);
        FileStatus to = batch.GetStatus(subvolume, range.Inode);
        bool isInside = range.Length > 0 && range.SourceOffset <= from.Size && range.Length <= from.Size - range.SourceOffset;
        bool fits = range.Offset <= long.MaxValue && range.Length <= long.MaxValue - range.Offset;
        bool isApart = source != subvolume || range.SourceInode != range.Inode
            || range.SourceOffset + range.Length <= range.Offset || range.Offset + range.Length <= range.SourceOffset;
        return from.IsRegular && to.IsRegular && isInside && fits && isApart;
    }

    private ReceivedPaths PathsOf(SubvolumeWriter source)
    {
        if (source == subvolume)
            return _paths;
        if (!_sourcePaths.TryGetValue(source.RootId, out ReceivedPaths? paths))
            _sourcePaths.Add(source.RootId, paths = new ReceivedPaths(batch, source));
        return paths;
    }

    private void Truncate(in StreamCommand command)
    {
        ulong inode = Find(command);
        ulong size = command.GetU64(AttributeType.Size);
        if (!_pending.MayFollowCut(inode, size))
            _pending.Flush();
        batch.Truncate(inode, size);
    }

    private void Allocate(in StreamCommand command)
    {
        const uint KeepSize = 1;
        const uint PunchHole = 2;
        const uint ZeroRange = 0x10;
        uint mode = command.GetU32(AttributeType.FallocateMode);
        AllocateMode what = mode switch
        {
            0 => AllocateMode.Preallocate,
            KeepSize => AllocateMode.PreallocateKeepSize,
            PunchHole | KeepSize => AllocateMode.PunchHole,
            ZeroRange => AllocateMode.ZeroRange,
            ZeroRange | KeepSize => AllocateMode.ZeroRangeKeepSize,
            _ => throw Refused($"allocation mode 0x{mode:x} is not supported"),
        };
        batch.Allocate(Find(command), command.GetU64(AttributeType.FileOffset), command.GetU64(AttributeType.Size), what);
    }

    private void EnableVerity(in StreamCommand command)
    {
        uint blockSize = command.GetU32(AttributeType.VerityBlockSize);
        VeritySettings settings = new()
        {
            Algorithm = (VerityAlgorithm)command.GetU8(AttributeType.VerityAlgorithm),
            BlockSize = blockSize <= int.MaxValue ? (int)blockSize : 0,
            Salt = command.GetBytes(AttributeType.VeritySaltData).ToArray(),
            Signature = command.GetBytes(AttributeType.VeritySigData).ToArray(),
        };
        batch.EnableVerity(Find(command), settings);
    }
}
