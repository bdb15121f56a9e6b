using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Receive;

/// <summary>
/// Finds the subvolumes that a stream speaks of, parents and clone sources: first what was received with the UUID, then what has it itself, as btrfs-progs does. Of several, one
/// whose transaction is the stream's is preferred, and not demanded: what is sent back carries the number of another file system.
/// </summary>
internal sealed class SourceSubvolumes(Func<FsInfo> running)
{
    private readonly Dictionary<(Uuid Uuid, ulong TransactionId), ulong> _found = [];

    /// <summary>The number of a subvolume.</summary>
    /// <exception cref="InvalidRequestException">There is none.</exception>
    public ulong Find(Uuid uuid, ulong transactionId, string role)
    {
        if (_found.TryGetValue((uuid, transactionId), out ulong known))
            return known;
        ulong id = Search(uuid, transactionId) ?? throw new InvalidRequestException($"there is no {role} with received or own uuid {uuid}");
        _found.Add((uuid, transactionId), id);
        return id;
    }

    /// <summary>To be called when subvolumes have come.</summary>
    public void Forget() => _found.Clear();

    private ulong? Search(Uuid uuid, ulong transactionId)
    {
        if (uuid.IsZero)
            return null;

        ulong? received = null;
        ulong? own = null;
        bool isReceivedExact = false;
        foreach (SubvolumeInfo info in new SubvolumeTable(running()).Enumerate())
        {
            ref readonly RootItem item = ref info.Root.Item;
            if (info.Root.IsDead)
                continue;
            if (item.ReceivedUuid == uuid && !isReceivedExact)
            {
                isReceivedExact = item.STransId.Value == transactionId;
                received = isReceivedExact ? info.Id : received ?? info.Id;
            }
            else if (item.Uuid == uuid)
            {
                own ??= info.Id;
            }
        }

        return received ?? own;
    }
}
