using System.Security.Cryptography;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Subvolumes;

/// <summary>
/// Makes, snapshots, marks and deletes subvolumes. Each method is one part of a transaction. Any thread may call.
/// </summary>
/// <exception cref="FileOperationException">Every method: the file system's state forbids it.</exception>
/// <exception cref="InvalidRequestException">Every method: there is no such subvolume.</exception>
/// <exception cref="NoSpaceException">Every method: there is not enough room.</exception>
public sealed partial class SubvolumeOperations(SubvolumeWriters writers)
{
    /// <summary>Root item, two links, two UUIDs, two entries, a directory, an orphan, a top directory.</summary>
    private const int Items = 20;

    private const uint DefaultPermissions = 0x1ED;
    private const ulong LegacyTopSize = 3;

    private readonly SubvolumeWriters _writers = writers;

    /// <summary>Makes an empty subvolume.</summary>
    /// <param name="parent">The subvolume that shows it.</param>
    /// <param name="directory">The directory there.</param>
    /// <param name="name">Its name.</param>
    /// <param name="uuid">Random where it is null.</param>
    /// <param name="top">Its top directory: owner, permissions (else 0755, root) and times.</param>
    /// <param name="xattr">An extended attribute that its top directory has from the first, beside what it inherits.</param>
    /// <returns>The number of the subvolume.</returns>
    public ulong Create(
        ulong parent, ulong directory, ReadOnlySpan<byte> name, Uuid? uuid = null, NewInode? top = null, (byte[] Name, byte[] Value)? xattr = null)
    {
        top ??= NewInode.Directory(DefaultPermissions);
        using Transaction part = _writers.Writer.Begin(Items);
        Change above = new(part, _writers.Get(parent), checksLater: true);
        RequirePlace(above, directory, name);
        if (!InodeMode.IsDirectory(top.Mode))
            throw above.Refuse(FileError.NotDirectory, directory, name, "the top of a subvolume must be a directory");

        ulong id = TakeId(part);
        Uuid identity = uuid ?? NewUuid();
        RootState root = part.CreateRoot(new Key(id, ItemType.RootItem, 0), NewItem(part, above.Now, identity), parent);
        Change change = new(part, _writers.Get(id));
        CreateOperation.CreateTop(change, top, above, directory);
        if (xattr is var (xattrName, value))
            XattrItems.Set(change, ObjectIds.FirstFree, xattrName, value);
        change.Finish();
        Hang(above, id, directory, name, root.Key.Offset);
        UuidIndex.Add(part, identity, ItemType.UuidKeySubvol, id);
        above.Finish();
        part.Complete();
        return id;
    }

    /// <summary>Makes a snapshot: a subvolume that shares all it has with another. Subvolumes nested in that become empty directories.</summary>
    /// <param name="source">What it is taken of, as it is now.</param>
    /// <param name="parent">The subvolume that shows it.</param>
    /// <param name="directory">The directory there.</param>
    /// <param name="name">Its name.</param>
    /// <param name="isReadOnly">Whether it can't be changed.</param>
    /// <param name="uuid">Random where it is null.</param>
    /// <returns>The number of the snapshot.</returns>
    public ulong Snapshot(ulong source, ulong parent, ulong directory, ReadOnlySpan<byte> name, bool isReadOnly, Uuid? uuid = null)
    {
        ulong id = SnapshotWithOrphans(source, parent, directory, name, isReadOnly, uuid);

        // What the source was about to delete is deleted here too: a send must not meet what has no names, and a read-only snapshot not change later.
        _writers.Get(id).CleanOrphans();
        return id;
    }

    private ulong SnapshotWithOrphans(ulong source, ulong parent, ulong directory, ReadOnlySpan<byte> name, bool isReadOnly, Uuid? uuid)
    {
        using Transaction part = _writers.Writer.Begin(Items);
        Change above = new(part, _writers.Get(parent), checksLater: true);
        RequirePlace(above, directory, name);
        RootState original = GetRoot(part, source);

        ulong id = TakeId(part);
        RootItem item = original.Item;
        item.Flags = isReadOnly ? item.Flags | RootFlags.ReadOnly : item.Flags & ~RootFlags.ReadOnly;
        item.Uuid = uuid ?? NewUuid();
        item.ParentUuid = original.Item.Uuid;
        item.OTime = above.Now;
        item.OTransId = part.Generation;
        item.Refs = 1;
        if (!isReadOnly)
            ForgetReceived(ref item);

        RootState root = part.SnapshotRoot(original, new Key(id, ItemType.RootItem, part.Generation), item, parent);
        Hang(above, id, directory, name, ulong.MaxValue);
        UuidIndex.Add(part, root.Item.Uuid, ItemType.UuidKeySubvol, id);
        UuidIndex.Add(part, root.Item.ReceivedUuid, ItemType.UuidKeyReceivedSubvol, id);
        above.Finish();
        part.Complete();
        return id;
    }

    /// <summary>
    /// Deletes a subvolume: its name is gone at once, and its space is freed by <see cref="SubvolumeCleaner"/>. Not one that holds other subvolumes,
    /// nor the default one.
    /// </summary>
    /// <param name="parent">The subvolume that shows it.</param>
    /// <param name="directory">The directory there.</param>
    /// <param name="name">Its name.</param>
    /// <returns>The number of what was deleted.</returns>
    public ulong Delete(ulong parent, ulong directory, ReadOnlySpan<byte> name)
    {
        using Transaction part = _writers.Writer.Begin(Items, ReservePolicy.Freeing);
        Change above = new(part, _writers.Get(parent), checksLater: true);
        InodeItem holder = above.GetDirectory(directory);
        EntryTarget target = NameEditor.Lookup(above, directory, name);
        LinkOperations.RequireShrinkable(above, directory, holder);
        if (!target.IsSubvolume || !LinkOperations.HangsHere(above, directory, name, target))
            throw above.Refuse(FileError.Invalid, directory, name, "not a subvolume");

        ulong id = target.Location.ObjectId;
        RootState root = GetRoot(part, id);
        _writers.Sends.RequireNone(id, "deleted");
        if (new SubvolumeTable(part.Running).DefaultId == id)
            throw above.Refuse(FileError.NotPermitted, directory, name, "the default subvolume can't be deleted");
        if (SubvolumeLinks.HasChildren(part, id))
            throw above.Refuse(FileError.NotEmpty, directory, name, "the subvolume holds other subvolumes");

        ulong index = SubvolumeLinks.Remove(part, parent, id);
        NameEditor.RemoveEntry(above, directory, name, index);
        holder.FileSize = holder.FileSize - NameEditor.SizeOf(name);
        above.PutDirectory(directory, ref holder);
        MarkDead(part, root);
        above.Finish();
        part.Complete();
        return id;
    }

    /// <summary>
    /// Makes a subvolume read-only, or changeable again. What may be changed is no longer what was received, so the second
    /// forgets the received UUID and what came with it.
    /// </summary>
    public void SetReadOnly(ulong id, bool isReadOnly)
    {
        using Transaction part = _writers.Writer.Begin(Items);
        RootState root = GetRoot(part, id);
        if (root.IsReadOnly == isReadOnly)
            return;

        ref RootItem item = ref root.Item;
        if (isReadOnly)
        {
            item.Flags |= RootFlags.ReadOnly;
        }
        else
        {
            _writers.Sends.RequireNone(id, "made writable");
            item.Flags &= ~RootFlags.ReadOnly;
            UuidIndex.Remove(part, item.ReceivedUuid, ItemType.UuidKeyReceivedSubvol, id);
            ForgetReceived(ref item);
        }

        part.NoteRootChanged(root);
        part.Complete();
    }

    /// <summary>Says which subvolume the kernel mounts when it isn't told.</summary>
    public void SetDefault(ulong id)
    {
        using Transaction part = _writers.Writer.Begin(Items);
        RootState root = GetRoot(part, id);
        DefaultSubvolume.Set(part, root);
        part.Complete();
    }

    /// <summary>Notes what a subvolume was received from.</summary>
    /// <param name="id">The subvolume.</param>
    /// <param name="uuid">Of the sender's; zero forgets it.</param>
    /// <param name="transactionId">The sender's ctransid.</param>
    /// <param name="time">When it was sent.</param>
    public void SetReceived(ulong id, Uuid uuid, ulong transactionId, DiskTime time)
    {
        using Transaction part = _writers.Writer.Begin(Items);
        RootState root = GetRoot(part, id);
        if (root.IsReadOnly)
            throw new FileOperationException(FileError.ReadOnlySubvolume, $"subvolume {id} is read-only");

        NoteReceived(part, root, uuid, transactionId, time);
        part.Complete();
    }

    private void NoteReceived(Transaction part, RootState root, Uuid uuid, ulong transactionId, DiskTime time)
    {
        ref RootItem item = ref root.Item;
        if (item.ReceivedUuid != uuid)
            UuidIndex.Remove(part, item.ReceivedUuid, ItemType.UuidKeyReceivedSubvol, root.Id);
        item.ReceivedUuid = uuid;
        item.STransId = transactionId;
        item.RTransId = part.Generation;
        item.STime = time;
        item.RTime = _writers.Now;
        UuidIndex.Add(part, uuid, ItemType.UuidKeyReceivedSubvol, root.Id);
        part.NoteRootChanged(root);
    }

    private static void MarkDead(Transaction part, RootState root)
    {
        ref RootItem item = ref root.Item;
        item.Flags |= RootFlags.Dead;
        item.Refs = 0;
        item.DropProgress = default;
        item.DropLevel = 0;
        part.NoteRootChanged(root);
        OrphanItems.Add(part.GetTree(ObjectIds.RootTree), root.Id);
        UuidIndex.Remove(part, item.Uuid, ItemType.UuidKeySubvol, root.Id);
        UuidIndex.Remove(part, item.ReceivedUuid, ItemType.UuidKeyReceivedSubvol, root.Id);
    }

    private static void ForgetReceived(ref RootItem item)
    {
        item.ReceivedUuid = default;
        item.STransId = 0;
        item.RTransId = 0;
        item.STime = default;
        item.RTime = default;
    }

    private static void RequirePlace(Change above, ulong directory, ReadOnlySpan<byte> name)
    {
        InodeItem holder = above.GetDirectory(directory);
        NameEditor.RequireFree(above, directory, name);
        above.RequireChangeable(directory, holder);
    }

    /// <param name="above">The subvolume that shows the new one.</param>
    /// <param name="id">The new one.</param>
    /// <param name="directory">The directory there.</param>
    /// <param name="name">The name.</param>
    /// <param name="keyOffset">What the kernel puts in the entry: the root item's own for a new subvolume, the highest for a snapshot.</param>
    private static void Hang(Change above, ulong id, ulong directory, ReadOnlySpan<byte> name, ulong keyOffset)
    {
        ulong index = above.NextIndex(directory);
        EntryTarget target = new(new Key(id, ItemType.RootItem, keyOffset), DirEntryType.Directory);
        NameEditor.InsertEntry(above, directory, name, index, target);
        SubvolumeLinks.Add(above.Part, above.RootId, id, directory, index, name);
        InodeItem holder = above.GetDirectory(directory);
        holder.FileSize = holder.FileSize + NameEditor.SizeOf(name);
        above.PutDirectory(directory, ref holder);
    }

    private static RootItem NewItem(Transaction part, DiskTime now, Uuid uuid)
    {
        RootItem item = new()
        {
            // What the inode in the root item says has been of no use for long; it is written as ever.
            Inode = new InodeItem
            {
                Generation = 1,
                FileSize = LegacyTopSize,
                NBytes = (ulong)part.Writer.Committed.NodeSize,
                NLink = 1,
                Mode = InodeMode.Directory | DefaultPermissions,
                Flags = (ulong)InodeFlags.RootItemInit,
            },
            RootDirId = ObjectIds.FirstFree,
            BytesUsed = (ulong)part.Writer.Committed.NodeSize,
            Refs = 1,
            Uuid = uuid,
            CTransId = part.Generation,
            OTransId = part.Generation,
            CTime = now,
            OTime = now,
        };
        return item;
    }

    private static Uuid NewUuid()
    {
        Span<byte> bytes = stackalloc byte[Uuid.Size];
        RandomNumberGenerator.Fill(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Uuid(bytes);
    }

    private static RootState GetRoot(Transaction part, ulong id) =>
        ObjectIds.IsFileTree(id) && part.TryGetRoot(id) is { IsDead: false } root
            ? root
            : throw new InvalidRequestException($"there is no subvolume {id}");

    private ulong TakeId(Transaction part)
    {
        if (_writers.NextId == 0)
        {
            TreeCursor cursor = part.GetTree(ObjectIds.RootTree).OpenCursor();
            bool found = cursor.SeekFloor(new Key(ObjectIds.LastFree, (ItemType)byte.MaxValue, ulong.MaxValue));
            _writers.NextId = Math.Max(found ? cursor.Key.ObjectId : 0, ObjectIds.FirstFree - 1) + 1;
        }

        return _writers.NextId++;
    }
}
