using Btrfs.Check.Extents;
using Btrfs.Check.Files;
using Btrfs.Check.Roots;
using Btrfs.Check.Space;
using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check;

/// <summary>
/// Checks a committed file system without changing it: every block of every tree is read once, and all that is said twice is held against each other.
/// References, names and checksums are compared as sums while the trees go by, so memory grows with the number of extents only (some forty bytes each).
/// Where sums differ, a second round over the trees concerned tells what is wrong.
/// </summary>
public sealed class FileSystemChecker(FsInfo fs, CheckOptions options)
{
    /// <summary>Runs the check. Damage never throws: it is found.</summary>
    /// <param name="progress">Told the name of each stage.</param>
    /// <param name="cancellation">Ends the check early.</param>
    /// <exception cref="OperationCanceledException">The check was ended.</exception>
    public CheckReport Run(IProgress<string>? progress, CancellationToken cancellation)
    {
        using CheckState state = new(fs, options, progress, cancellation);
        new CheckRun(state).Run();
        return new CheckReport(state.Log.Findings, state.Log.Count, state.Notices, state.Totals);
    }

    /// <summary>One run, stage by stage.</summary>
    private sealed class CheckRun
    {
        private readonly CheckState _state;
        private readonly FsInfo _fs;
        private readonly TreeWalker _walker;
        private readonly FileTreeWalker _files;
        private readonly BlockGroupTable _groups;
        private readonly RootScan _roots;
        private readonly DeviceScan _devices;
        private readonly ChecksumScan _checksums;
        private readonly FreeSpaceScan _freeSpace;
        private readonly UuidScan _uuids;
        private readonly QgroupScan _qgroups;

        public CheckRun(CheckState state)
        {
            _state = state;
            _fs = state.Fs;
            _walker = new TreeWalker(state);
            _files = new FileTreeWalker(state);
            _groups = new BlockGroupTable(state);
            _roots = new RootScan(state);
            _devices = new DeviceScan(state);
            _checksums = new ChecksumScan(state);
            _freeSpace = new FreeSpaceScan(state, _groups);
            _uuids = new UuidScan(state);
            _qgroups = new QgroupScan(state);
        }

        private ulong GroupTree => _state.Has(CompatRoFlags.BlockGroupTree) ? ObjectIds.BlockGroupTree : ObjectIds.ExtentTree;

        public void Run()
        {
            _state.Stage("superblocks");
            SuperblockScan.Compare(_state);
            new LogScan(_state).Walk();
            _state.Stage("extents");
            WalkExtents();
            _state.Stage("roots");
            _walker.Walk(_fs.ChunkTree, _devices.ChunkLeaf);
            _walker.Walk(_fs.RootTree, _roots.Leaf);
            WalkInternalTrees();
            _state.Stage("files");
            WalkFiles();
            _state.Stage("quotas");
            if (_qgroups.IsAuthoritative && _state.HasWholeExtentTree && _state.HasWholeTrees)
                CountQgroups();
            _state.Stage("references");
            AuditReferences();
        }

        private void WalkExtents()
        {
            ExtentScan scan = new(_state, _groups, audit: null);
            try
            {
                bool isWhole = _walker.Walk(_fs.GetRoot(ObjectIds.ExtentTree).Tree, scan.Leaf);
                scan.Finish();
                _state.HasWholeExtentTree = isWhole;
            }
            catch (CorruptMetadataException error)
            {
                _state.Log.Add(FindingKind.CorruptBlock, ObjectIds.ExtentTree, null, error.Message);
            }

            _state.References.Seal();
            if (_state.HasWholeExtentTree && _state.Totals.AllocatedBytes != _fs.Superblock.BytesUsed)
                _state.Log.Add(FindingKind.SuperblockBytesUsed, 0, null, $"the superblock says that {_fs.Superblock.BytesUsed} bytes are used, the extents take {_state.Totals.AllocatedBytes}");
        }

        /// <summary>The trees that are no files'. Block groups come before the free space that is compared with them, checksums before the files that need them.</summary>
        private void WalkInternalTrees()
        {
            if (GroupTree == ObjectIds.BlockGroupTree)
                WalkTree(ObjectIds.BlockGroupTree, new ExtentScan(_state, _groups, audit: null).Leaf);

            IReadOnlyList<Chunk> chunks = _fs.Devices.Volume.Chunks.Chunks;
            _devices.Compare(chunks, WalkTree(ObjectIds.DevTree, _devices.DeviceLeaf));
            _groups.CompareWithChunks(chunks, GroupTree);
            if (_state.HasWholeExtentTree)
                _groups.CompareWithExtents(GroupTree);

            _state.Stage("free space");
            WalkFreeSpace();
            _state.Stage("checksums");
            _state.HasWholeChecksumTree = WalkTree(ObjectIds.CsumTree, _checksums.Leaf);
            if (_state.HasWholeExtentTree)
                _checksums.CompareWithExtents();

            bool hasUuids = WalkTree(ObjectIds.UuidTree, _uuids.Leaf);
            if (hasUuids)
                _uuids.Compare(_roots.Roots);
            WalkTree(ObjectIds.QuotaTree, _qgroups.Leaf);
            foreach (RootRecord root in _roots.Roots)
            {
                if (!IsKnown(root.Id) && !IsFiles(root.Id))
                    _walker.Walk(root.Tree, static _ => { });
            }
        }

        private void WalkFreeSpace()
        {
            bool isKept = _state.Has(CompatRoFlags.FreeSpaceTree | CompatRoFlags.FreeSpaceTreeValid);
            _freeSpace.Begin();
            bool isWhole = WalkTree(ObjectIds.FreeSpaceTree, isKept ? _freeSpace.Leaf : static _ => { });
            _freeSpace.Finish();
            if (isKept && (isWhole || !HasTree(ObjectIds.FreeSpaceTree)))
                _freeSpace.ReportMissing();
        }

        private void WalkFiles()
        {
            foreach (RootRecord root in _roots.Roots)
            {
                if (!IsFiles(root.Id))
                    continue;

                // A tree that is being deleted, or a copy for relocation, has its extents in order and its inodes in pieces.
                bool isMute = root.Id == ObjectIds.TreeReloc || root.Item.Refs == 0;
                if (_files.Walk(root, isMute) is { } sums && !_state.Blocks.IsSecondRound && !(sums.NamesAgree && sums.TypesAgree && sums.OrphansAgree))
                    AuditNames(root, sums);
            }

            if (!_state.Blocks.IsSecondRound)
                new SubvolumeLinks(_state, _roots).Compare();
        }

        private void AuditNames(RootRecord root, in NameSums sums)
        {
            try
            {
                new NameAudit(_state, root).Report(sums);
            }
            catch (CorruptMetadataException error)
            {
                _state.Log.Add(FindingKind.CorruptBlock, root.Id, null, error.Message);
            }
        }

        private void CountQgroups()
        {
            QgroupCount count = new(_state);
            try
            {
                foreach (RootRecord root in _roots.Roots)
                {
                    if (ObjectIds.IsFileTree(root.Id))
                        count.Add(root);
                }
            }
            catch (CorruptMetadataException error)
            {
                _state.Log.Add(FindingKind.CorruptBlock, ObjectIds.QuotaTree, null, error.Message);
                return;
            }

            count.Finish();
            _qgroups.Compare(count);
        }

        private void AuditReferences()
        {
            if (!_state.HasWholeExtentTree)
                return;

            ReferenceAudit audit = new(_state);
            if (!audit.IsNeeded)
                return;

            _state.Blocks.BeginSecondRound();
            _state.References.RecordWith(audit);
            _files.ForgetShared();
            _walker.Walk(_fs.GetRoot(ObjectIds.ExtentTree).Tree, new ExtentScan(_state, _groups, audit).Leaf);
            _walker.Walk(_fs.ChunkTree, static _ => { });
            _walker.Walk(_fs.RootTree, _roots.Leaf);
            foreach (RootRecord root in _roots.Roots)
            {
                if (root.Id != ObjectIds.ExtentTree && !IsFiles(root.Id))
                    _walker.Walk(root.Tree, static _ => { });
            }

            WalkFiles();
            audit.Report();
        }

        /// <returns>Whether there is such a tree, and all of it was read.</returns>
        private bool WalkTree(ulong id, Action<ExtentBuffer> onLeaf)
        {
            RootRecord? root = _roots.Roots.Find(root => root.Id == id);
            return root is not null && _walker.Walk(root.Tree, onLeaf);
        }

        private bool HasTree(ulong id) => _roots.Roots.Exists(root => root.Id == id);

        private static bool IsFiles(ulong id) => ObjectIds.IsFileTree(id) || id is ObjectIds.DataRelocTree or ObjectIds.TreeReloc;

        private static bool IsKnown(ulong id) => id is ObjectIds.ExtentTree or ObjectIds.DevTree or ObjectIds.CsumTree or ObjectIds.UuidTree
            or ObjectIds.QuotaTree or ObjectIds.FreeSpaceTree or ObjectIds.BlockGroupTree;
    }
}
