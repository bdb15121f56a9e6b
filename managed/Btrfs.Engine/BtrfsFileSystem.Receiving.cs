using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Receive;
using Btrfs.Receive.Parts;

namespace Btrfs.Engine;

/// <summary>The members that receive streams.</summary>
public sealed partial class BtrfsFileSystem
{
    /// <summary>
    /// Receives streams, as <c>btrfs receive</c> does on a mounted file system. Each subvolume appears, read-only, when its stream is complete, and is durable by then;
    /// what was interrupted stays as a part: see <see cref="FindReceivedParts"/> and <see cref="ReceiveOptions.Resume"/>.
    /// </summary>
    /// <param name="input">Read to its end, not closed.</param>
    /// <param name="directory">Where the subvolumes go.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="progress">Called on the receiving thread: before each subvolume, with each notice, and after each command.</param>
    /// <param name="cancellation">Ends it between two commands; what is there by then stays, as a part.</param>
    /// <returns>The subvolumes in the order of their streams.</returns>
    /// <exception cref="Btrfs.Stream.StreamFormatException">The input is damaged or cut: what came before stays, as a part.</exception>
    /// <exception cref="ReceiveException">A command can't be carried out; where the stream is at fault, its subvolume is gone.</exception>
    /// <exception cref="FileOperationException">There is no such directory.</exception>
    /// <exception cref="IOException">The input or a device failed.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public IReadOnlyList<ReceivedSubvolume> Receive(
        System.IO.Stream input, FsPath directory, ReceiveOptions? options = null, IProgress<ReceiveProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        lock (_changes)
        {
            // What was written to memory before must not mix with what the receive does below it.
            Delalloc.FlushAll();
            Location at = Find(directory);
            return new Receiver(Subvolumes, at.Subvolume.Id, at.Inode, options, progress).Run(input, cancellation);
        }
    }

    /// <summary>As <see cref="Receive"/>, on a thread of the pool.</summary>
    /// <inheritdoc cref="Receive"/>
    public Task<IReadOnlyList<ReceivedSubvolume>> ReceiveAsync(
        System.IO.Stream input, FsPath directory, ReceiveOptions? options = null, IProgress<ReceiveProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => Receive(input, directory, options, progress, cancellation), cancellation);

    /// <summary>What was received in part, with the tokens from which the sender can go on.</summary>
    public IReadOnlyList<ReceivedPart> FindReceivedParts() => ReceivedParts.Find(View);

    /// <summary>Deletes what was received in part, and commits.</summary>
    /// <returns>What was deleted.</returns>
    public IReadOnlyList<ReceivedPart> RemoveReceivedParts()
    {
        lock (_changes)
        {
            IReadOnlyList<ReceivedPart> parts = ReceivedParts.Find(Writer.Running);
            foreach (ReceivedPart part in parts)
                ReceivedParts.Remove(Subvolumes, part.Id);
            Commit();
            return parts;
        }
    }
}
