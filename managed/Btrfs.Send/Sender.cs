using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Data;
using Btrfs.Interop;
using Btrfs.Send.Ahead;
using Btrfs.Send.Data;
using Btrfs.Send.Emit;
using Btrfs.Send.Names;
using Btrfs.Send.State;
using Btrfs.Stream;

namespace Btrfs.Send;

/// <summary>
/// Sends a read-only subvolume as a stream, whole or as the difference to a parent, byte for byte as the kernel's <c>btrfs send</c> does.
/// The walk is over committed trees, so nothing is locked and nothing can change below it.
/// </summary>
/// <param name="fs">A commit that stays readable.</param>
/// <param name="verify">Called between items, and before the end command; throws where the commit has become unreadable. Null where it can't.</param>
public sealed class Sender(FsInfo fs, Action? verify = null)
{
    // Between two reports of progress and looks at the cancellation token lie no more than these: items are many or large.
    private const int ItemsPerReport = 256;
    private const long BytesPerReport = 4 << 20;

    /// <summary>Writes one stream to <paramref name="output"/>.</summary>
    /// <param name="root">The subvolume; read-only.</param>
    /// <param name="parent">What the receiver starts from; read-only. Null for a full send.</param>
    /// <param name="cloneSources">Subvolumes that the receiver has, to clone extents from; read-only. As with the kernel, the parent is only one of them if it is named here too.</param>
    /// <param name="options">The form of the stream.</param>
    /// <param name="output">Where it goes; written in large pieces, flushed, not closed. A pipe takes the pages of large data itself, and this returns when its reader has them.</param>
    /// <param name="progress">Told now and then how far the send is.</param>
    /// <param name="cancellation">Ends the send between two items; what was written by then is a cut stream.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="InvalidRequestException">A subvolume is not read-only or is deleted, the options don't go together, or the token is another subvolume's.</exception>
    /// <exception cref="StreamFormatException">The token's place is none in this stream: the options, the parent or the clone sources are not those of the stream that was cut.</exception>
    /// <exception cref="FileSystemChangedException">The kernel has the file system mounted and moved what was being read; the stream has no end command then.</exception>
    /// <exception cref="BtrfsException">The file system is broken where it had to be read; the message tells where.</exception>
    public long Send(
        RootRecord root,
        RootRecord? parent,
        IReadOnlyCollection<RootRecord> cloneSources,
        SendOptions options,
        System.IO.Stream output,
        IProgress<SendProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        RequireValid(options);
        using PageStream? pages = options.NoData ? null : OpenPageStream(output, options);
        return Write(root, parent, cloneSources, options, new CommandWriter(pages ?? output, options.Protocol), pages, progress, cancellation);
    }

    /// <summary>
    /// The exact number of bytes that <see cref="Send"/> would write. The same walk, over metadata alone: no file data is read, so a bad sector is not noticed.
    /// </summary>
    /// <inheritdoc cref="Send"/>
    public long Estimate(
        RootRecord root,
        RootRecord? parent,
        IReadOnlyCollection<RootRecord> cloneSources,
        SendOptions options,
        IProgress<SendProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        RequireValid(options);
        return Write(root, parent, cloneSources, options, CommandWriter.ForCounting(options.Protocol), pages: null, progress, cancellation);
    }

    private long Write(
        RootRecord root,
        RootRecord? parent,
        IReadOnlyCollection<RootRecord> cloneSources,
        SendOptions options,
        CommandWriter writer,
        PageStream? pages,
        IProgress<SendProgress>? progress,
        CancellationToken cancellation)
    {
        RequireSendable(root, "subvolume");
        if (parent is not null)
            RequireSendable(parent, "parent");
        foreach (RootRecord source in cloneSources)
            RequireSendable(source, "clone source");
        if (options.Resume is { } token)
            RequireSame(root, token);

        CommandEmitter emitter = new(writer);
        if (!options.OmitStreamHeader)
            writer.WriteHeader();
        emitter.Subvolume(NameOf(root), root, parent);

        SendContext context = new(fs, root, parent, options);
        try
        {
            if (options.Resume is { } place)
                writer.SkipTo(place.StreamOffset, place.CommandCount);
            WalkAll(context, emitter, pages, cloneSources, progress, cancellation);

            // What lies in a pipe as pages of the file system must be read before anyone may change it, and before the end command says that all is well.
            pages?.WaitUntilRead(cancellation);
            verify?.Invoke();
            if (fs.FindMoved([root, .. cloneSources, parent ?? root]) is { } moved)
                throw new FileSystemChangedException($"the file system changed during the send: the tree of subvolume {moved.Id} has moved");
        }
        catch (BtrfsException error) when (error is not FileSystemChangedException && fs.HasNewerCommit())
        {
            throw new FileSystemChangedException($"the file system changed during the send: {error.Message}", error);
        }

        if (writer.IsSkipping)
            throw new StreamFormatException(writer.BytesWritten, CommandType.End, $"the stream ends before the place to resume it at, {options.Resume!.StreamOffset}");
        if (!options.OmitEndCommand)
            emitter.End();
        writer.Flush();
        progress?.Report(new SendProgress(context.Current.Number, writer.BytesWritten));
        return writer.BytesWritten - writer.BytesSkipped;
    }

    private void WalkAll(
        SendContext context,
        CommandEmitter emitter,
        PageStream? pages,
        IReadOnlyCollection<RootRecord> cloneSources,
        IProgress<SendProgress>? progress,
        CancellationToken cancellation)
    {
        CommandWriter writer = emitter.Writer;
        using SectorReader sectors = new(fs);
        PageMover? mover = pages is null ? null : new PageMover(fs, sectors, pages, context.Options.VerifyData);
        (InodeProcessor processor, DirectoryTimes times) = Compose(context, emitter, sectors, mover, cloneSources);
        using SendReadAhead? ahead = SendReadAhead.TryStart(context, withData: !writer.IsCounting && !context.Options.NoData);
        context.ReadAhead = ahead;
        int items = 0;
        long nextReport = 0;
        foreach (ChangedItem item in Items(context))
        {
            if (++items % ItemsPerReport == 0 || writer.BytesWritten >= nextReport)
            {
                nextReport = writer.BytesWritten + BytesPerReport;
                cancellation.ThrowIfCancellationRequested();
                verify?.Invoke();
                progress?.Report(new SendProgress(item.Key.ObjectId, writer.BytesWritten));
            }

            ahead?.Note(item.Key.ObjectId, 0);
            processor.Process(item);
        }

        processor.Finish();
        times.SendAll();
    }

    // Where nobody reads the bytes out again, what is read here to be verified is copied at no cost: then only a pipe is better served with pages.
    private static PageStream? OpenPageStream(System.IO.Stream output, SendOptions options)
    {
        PageStream? sink = DescriptorStream.TryFind(output) is { } descriptor ? PageStream.TryOpen(output, descriptor) : null;
        return sink is { IsPipe: false } && options.VerifyData ? null : sink;
    }

    private static (InodeProcessor Processor, DirectoryTimes Times) Compose(
        SendContext context, CommandEmitter emitter, SectorReader sectors, PageMover? pages, IReadOnlyCollection<RootRecord> cloneSources)
    {
        DirectoryMoves moves = new();
        ReceiverView view = new(context, moves);
        PathResolver paths = new(context, view, moves);
        DirectoryTimes times = new(context, paths, emitter);
        DirectoryRemoval removal = new(context, moves);
        InodeCreator creator = new(context, view, emitter);
        NameProcessor names = new(context, view, paths, moves, new MoveDelay(context, moves), removal, times, creator, emitter);
        MoveApplier moveApplier = new(context, view, paths, moves, removal, times, emitter);
        DataSender data = new(context, paths, emitter, sectors, pages);
        ExtentProcessor extents = new(
            context,
            new CloneFinder(context, cloneSources),
            new CloneRange(context, paths, data, emitter),
            data,
            new ExtentComparison(context),
            paths,
            emitter);
        XattrProcessor xattrs = new(context, paths, emitter);
        return (new InodeProcessor(context, names, creator, xattrs, extents, moves, moveApplier, times, paths, emitter), times);
    }

    private IEnumerable<ChangedItem> Items(SendContext context) =>
        context.Parent is null ? AllItems(context) : Differences(context, context.Parent.Root);

    private static IEnumerable<ChangedItem> AllItems(SendContext context)
    {
        TreeCursor cursor = context.Send.OpenCursor();
        cursor.Seek(new Key(ObjectIds.FirstFree, ItemType.InodeItem, 0));
        for (; cursor.IsValid; cursor.MoveNext())
            yield return new ChangedItem(cursor.Key, ItemChange.New, new LeafItem(cursor.Leaf, cursor.Slot), default);
    }

    private IEnumerable<ChangedItem> Differences(SendContext context, RootRecord parent)
    {
        TreeComparison comparison = new(fs.Blocks, context.Send.Root.Tree, parent.Tree, readsAhead: context.ReadAhead is null);
        while (comparison.MoveNext())
        {
            LeafItem left = comparison.Change == ItemChange.Deleted ? default : new LeafItem(comparison.LeftLeaf, comparison.LeftSlot);
            LeafItem right = comparison.Change == ItemChange.New ? default : new LeafItem(comparison.RightLeaf, comparison.RightSlot);
            yield return new ChangedItem(comparison.Key, comparison.Change, left, right);
        }
    }

    // The name that the stream gives the subvolume: that of its place in the directory tree.
    private byte[] NameOf(RootRecord root)
    {
        TreeCursor cursor = fs.OpenCursor(fs.RootTree);
        cursor.Seek(new Key(root.Id, ItemType.RootBackref, 0));
        if (!cursor.IsValid || cursor.Key.ObjectId != root.Id || cursor.Key.Type != ItemType.RootBackref)
            throw new InvalidRequestException($"subvolume {root.Id} has no name: the top level can't be sent");
        return cursor.Data.Slice(RootRef.Size, cursor.Record<RootRef>().NameLength).ToArray();
    }

    private static void RequireValid(SendOptions options)
    {
        if (options.Protocol is < 1 or > 2)
            throw new InvalidRequestException($"protocol version {options.Protocol} is not supported, only 1 and 2 are");
        if (options.CompressedData && options.Protocol < 2)
            throw new InvalidRequestException("compressed data needs protocol version 2");
        if (options.Resume is not null && (options.OmitStreamHeader || options.OmitEndCommand))
            throw new InvalidRequestException("only a stream of one subvolume can be resumed");
    }

    private static void RequireSame(RootRecord root, ResumeToken token)
    {
        Span<byte> uuid = stackalloc byte[Uuid.Size];
        root.StreamUuid.CopyTo(uuid);
        if (new Guid(uuid, bigEndian: true) != token.Uuid)
            throw new InvalidRequestException($"the stream to resume is of subvolume {token.Uuid}, not of {root.StreamUuid}");
        if (root.Item.CTransId.Value != token.Ctransid)
            throw new InvalidRequestException($"the subvolume has changed since the stream to resume was made: its ctransid is {root.Item.CTransId.Value}, not {token.Ctransid}");
    }

    private static void RequireSendable(RootRecord root, string role)
    {
        if (root.IsDead)
            throw new InvalidRequestException($"{role} {root.Id} is deleted");
        if (!root.IsReadOnly)
            throw new InvalidRequestException($"{role} {root.Id} is not read-only");
    }
}
