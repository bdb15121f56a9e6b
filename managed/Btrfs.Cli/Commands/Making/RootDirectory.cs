using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Cli.Commands.Changes;
using Btrfs.Cli.Commands.Files;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;

namespace Btrfs.Cli.Commands.Making;

/// <summary>What a new file system is filled with: <c>--rootdir</c> and the options that go with it.</summary>
internal sealed class RootDirectory
{
    private readonly Option<string?> _directory = new("-r", "--rootdir") { HelpName = "DIR", Description = "Copy what is in DIR into the new file system, with all attributes" };
    private readonly Option<string?> _compress = new("--compress") { HelpName = "ALGORITHM", Description = "With --rootdir: compress file data with zlib, lzo or zstd, with :LEVEL if wanted" };
    private readonly Option<string[]> _subvolumes = new("-u", "--subvol") { HelpName = "[TYPE:]PATH", Description = "With --rootdir: make this directory a subvolume; TYPE is rw, ro, default or default-ro" };
    private readonly Option<bool> _shrink = new("--shrink") { Description = "With --rootdir: cut the image off behind what is used" };

    public RootDirectory(Command command)
    {
        foreach (Option option in (Option[])[_directory, _compress, _subvolumes, _shrink])
            command.Options.Add(option);
    }

    /// <summary>Refuses what doesn't go together, before anything is made.</summary>
    /// <exception cref="UsageException">It doesn't.</exception>
    /// <exception cref="IOException">There is no such directory.</exception>
    public void Verify(ParseResult parsed, IReadOnlyList<string> devicePaths)
    {
        if (parsed.GetValue(_directory) is not { } directory)
        {
            Option? alone = Array.Find((Option[])[_compress, _subvolumes, _shrink], option => parsed.GetResult(option) is { Implicit: false });
            if (alone is not null)
                throw new UsageException($"{alone.Aliases.Append(alone.Name).First(name => name.StartsWith("--", StringComparison.Ordinal))} goes with --rootdir only");
            return;
        }

        CompressionText.Parse(parsed.GetValue(_compress));
        Plans(parsed, fsid: null);
        if (parsed.GetValue(_shrink) && devicePaths.Count > 1)
            throw new UsageException("--shrink takes one device");
        HostFolder.Open(RawArguments.BytesOf(directory)).Dispose();
    }

    /// <summary>Fills the file system.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="devicePaths">Where it is.</param>
    /// <param name="fsid">What all UUIDs follow from; null for random ones.</param>
    /// <param name="time">When it is made; null for now. Where it is given, the same tree is to make the same bytes, however often it was read.</param>
    /// <param name="isQuiet">Whether only errors are told.</param>
    public void Fill(ParseResult parsed, IReadOnlyList<string> devicePaths, Uuid? fsid, DateTimeOffset? time, bool isQuiet)
    {
        if (parsed.GetValue(_directory) is not { } directory)
            return;

        WriteOptions options = CompressionText.Parse(parsed.GetValue(_compress));
        Dictionary<string, SubvolumePlan> plans = Plans(parsed, fsid);
        ulong? length = null;
        ImageArguments.Change(
            devicePaths,
            (fs, stopped) =>
            {
                CopyReport report = new(isQuiet);
                using HostFolder folder = HostFolder.Open(RawArguments.BytesOf(directory));
                using TreePut put = new(fs, options, report, stopped) { Plans = plans, TakesAccessTimes = time is null };
                put.Content(folder, Places.FindDirectory(fs.Writer.Running, FsPath.Root));
                put.TakeAttributes(folder, ObjectIds.FsTree, ObjectIds.FirstFree);
                if (plans.Values.FirstOrDefault(plan => !plan.IsDone) is { } missing)
                    throw new InvalidRequestException($"there is no directory '{missing.Path}' in '{directory}'");
                report.Finish();
                if (parsed.GetValue(_shrink))
                    length = fs.ShrinkDevices().Values.Single();
            },
            isQuiet,
            time);
        if (length is { } bytes && HostCalls.IsRegularFile(devicePaths[0]))
        {
            using FileStream file = new(devicePaths[0], FileMode.Open, FileAccess.Write);
            file.SetLength((long)bytes);
        }
    }

    private Dictionary<string, SubvolumePlan> Plans(ParseResult parsed, Uuid? fsid)
    {
        Dictionary<string, SubvolumePlan> plans = [];
        foreach (SubvolumePlan plan in (parsed.GetValue(_subvolumes) ?? []).Select(SubvolumePlan.Parse))
        {
            if (!plans.TryAdd(plan.Path, plan))
                throw new UsageException($"'{plan.Path}' is given twice");
            if (plan.IsDefault && plans.Values.Count(other => other.IsDefault) > 1)
                throw new UsageException("there can be only one default subvolume");
            if (fsid is { } uuid)
                plan.Uuid = Derive(uuid, plan.Path);
        }

        return plans;
    }

    private static Uuid Derive(Uuid fsid, string path) => new(SHA256.HashData(Encoding.UTF8.GetBytes($"{fsid}/{path}")).AsSpan(0, Uuid.Size));
}
