using System.Runtime.InteropServices;
using Btrfs.Inode.Changes;

namespace Btrfs.Inode.Subvolumes;

/// <summary>
/// How many sends read each subvolume. Who would pull the ground away from them (deletes it, makes it writable, shares extents into it) asks here first. A send enters
/// itself, and they ask, under the writer's lock: so none begins in the middle of such a change. A dedupe asks in each of its parts, and ends half way where a send begins between two:
/// what it has shared by then reads as before.
/// </summary>
public sealed class SendsInProgress
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, int> _counts = [];

    /// <summary>A send begins to use subvolumes. To be called where the writer's lock is held, with roots that are read-only there.</summary>
    /// <param name="ids">Send root, parent and clone sources, each once.</param>
    /// <returns>To be disposed of when the send has ended, however it did.</returns>
    public IDisposable Enter(IReadOnlyCollection<ulong> ids)
    {
        lock (_lock)
        {
            foreach (ulong id in ids)
                CollectionsMarshal.GetValueRefOrAddDefault(_counts, id, out _)++;
        }

        return new Entered(this, ids);
    }

    /// <summary>Refuses what a send forbids.</summary>
    /// <exception cref="FileOperationException">A send uses the subvolume: <see cref="FileError.Busy"/>.</exception>
    internal void RequireNone(ulong id, string what)
    {
        lock (_lock)
        {
            if (_counts.TryGetValue(id, out int count))
                throw new FileOperationException(FileError.Busy, $"subvolume {id} can't be {what} now: {count} {(count == 1 ? "send is" : "sends are")} in progress");
        }
    }

    private void Leave(IReadOnlyCollection<ulong> ids)
    {
        lock (_lock)
        {
            foreach (ulong id in ids)
            {
                ref int count = ref CollectionsMarshal.GetValueRefOrNullRef(_counts, id);
                if (--count == 0)
                    _counts.Remove(id);
            }
        }
    }

    private sealed class Entered(SendsInProgress sends, IReadOnlyCollection<ulong> ids) : IDisposable
    {
        private int _isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
                sends.Leave(ids);
        }
    }
}
