using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Engine.Making;
using Btrfs.Format;
using Btrfs.Space.Making;

namespace Btrfs.Cli.Commands.Making;

/// <summary><c>mkfs</c>: the options of mkfs.btrfs with their meaning.</summary>
internal sealed class MkfsCommand
{
    private const string ListAll = "list-all";

    private readonly Option<string?> _data = new("-d", "--data") { HelpName = "PROFILE", Description = "Profile of data: single (default), dup, raid0, raid1, raid1c3, raid1c4, raid10, raid5, raid6" };
    private readonly Option<string?> _metadata = new("-m", "--metadata") { HelpName = "PROFILE", Description = "Profile of metadata; default is dup on one device, raid1 on several" };
    private readonly Option<bool> _mixed = new("-M", "--mixed") { Description = "Keep metadata and data together in the same block groups" };
    private readonly Option<string?> _checksum = new("--csum", "--checksum") { HelpName = "TYPE", Description = "Checksum algorithm: crc32c (default), xxhash, sha256, blake2" };
    private readonly Option<string?> _nodeSize = new("-n", "--nodesize") { HelpName = "SIZE", Description = "Size of tree blocks; default is 16K, or a sector if that is more" };
    private readonly Option<string?> _sectorSize = new("-s", "--sectorsize") { HelpName = "SIZE", Description = "Size of data blocks; default is 4K, and not every kernel mounts others" };
    private readonly Option<string[]> _features = new("-O", "--features") { HelpName = "LIST", Description = "Features to switch on, or off with a '^' before, by comma ('list-all' shows them)" };
    private readonly Option<string[]> _runtime = new("-R", "--runtime-features") { HelpName = "LIST", Description = "The same as -O" };
    private readonly Option<string?> _label = new("-L", "--label") { HelpName = "LABEL", Description = "Label of the file system" };
    private readonly Option<string?> _uuid = new("-U", "--uuid") { HelpName = "UUID", Description = "UUID of the file system; all other UUIDs then follow from it" };
    private readonly Option<string?> _time = new("--time") { HelpName = "SECONDS", Description = "When the file system is made, since 1970; default is SOURCE_DATE_EPOCH of the environment, or now" };
    private readonly Option<string?> _byteCount = new("-b", "--byte-count") { HelpName = "SIZE", Description = "How much of each device to use; an image file that isn't there is made with it" };
    private readonly Option<bool> _noDiscard = new("-K", "--nodiscard") { Description = "Don't discard what the devices held" };
    private readonly Option<bool> _force = new("-f", "--force") { Description = "Overwrite an existing file system" };
    private readonly Option<bool> _quiet = new("-q", "--quiet") { Description = "Tell only errors" };
    private readonly Option<bool> _verbose = new("-v", "--verbose") { Description = "Tell the address of each block group as well" };
    private readonly Argument<string[]> _devices = new("IMAGE...") { Description = "Image files or block devices, all of one file system", Arity = ArgumentArity.ZeroOrMore };

    private readonly RootDirectory _root;

    private MkfsCommand(Command command)
    {
        foreach (Option option in (Option[])[_data, _metadata, _mixed, _checksum, _nodeSize, _sectorSize, _features, _runtime, _label, _uuid, _time, _byteCount])
            command.Options.Add(option);
        _root = new RootDirectory(command);
        foreach (Option option in (Option[])[_noDiscard, _force, _quiet, _verbose])
            command.Options.Add(option);
        command.Arguments.Add(_devices);
    }

    public static Command Create()
    {
        Command command = new("mkfs", "Make a file system on images or devices, empty or filled. The same options, --uuid and --time make the same bytes.");
        MkfsCommand mkfs = new(command);
        command.SetAction(mkfs.Run);
        return command;
    }

    private void Run(ParseResult parsed)
    {
        string[] lists = [.. parsed.GetValue(_features) ?? [], .. parsed.GetValue(_runtime) ?? []];
        if (lists.Contains(ListAll))
        {
            TextOutput.Use(MkfsReport.ListFeatures);
            return;
        }

        string[] paths = parsed.GetValue(_devices) ?? [];
        ImageArguments.RefuseUnknownOptions(parsed, paths);
        if (paths.Length == 0)
            throw new UsageException("IMAGE is missing");

        MakeOptions options = ReadOptions(parsed, lists);
        _root.Verify(parsed, paths);
        string[] created = Array.FindAll(paths, path => !Path.Exists(path));
        MakeResult made = ImageMaker.Make(paths, options, parsed.GetValue(_force));
        try
        {
            _root.Fill(parsed, paths, options.Fsid, TimeOf(parsed), parsed.GetValue(_quiet));
        }
        catch
        {
            Array.ForEach(created, File.Delete);
            throw;
        }

        foreach (string warning in made.Warnings)
            ErrorOutput.WriteLine($"WARNING: {warning}");
        if (!parsed.GetValue(_quiet))
            TextOutput.Use(output => new MkfsReport(made, parsed.GetValue(_verbose)).Print(output));
    }

    private MakeOptions ReadOptions(ParseResult parsed, string[] featureLists)
    {
        try
        {
            MakeFeatures features = featureLists.Aggregate(MakeFeatures.Default, MakeFeatureNames.Apply);
            MakeOptions defaults = new();
            return new MakeOptions
            {
                Label = parsed.GetValue(_label) is { } label ? RawArguments.BytesOf(label) : default(ReadOnlyMemory<byte>),
                Fsid = parsed.GetValue(_uuid) is { } uuid ? UuidOf(uuid) : null,
                Time = TimeOf(parsed) ?? defaults.Time,
                SectorSize = SizeOf(parsed, _sectorSize, int.MaxValue) is { } sector ? (int)sector : defaults.SectorSize,
                NodeSize = SizeOf(parsed, _nodeSize, int.MaxValue) is { } node ? (int)node : null,
                DeviceBytes = SizeOf(parsed, _byteCount, long.MaxValue),
                Checksum = parsed.GetValue(_checksum) is { } checksum ? MakeOptions.ParseChecksum(checksum) : defaults.Checksum,
                DataProfile = parsed.GetValue(_data) is { } data ? MakeOptions.ParseProfile(data) : null,
                MetadataProfile = parsed.GetValue(_metadata) is { } metadata ? MakeOptions.ParseProfile(metadata) : null,
                Features = parsed.GetValue(_mixed) ? features | MakeFeatures.MixedGroups : features,
                Discard = !parsed.GetValue(_noDiscard),
            };
        }
        catch (InvalidRequestException error)
        {
            throw new UsageException(error.Message);
        }
    }

    private DateTimeOffset? TimeOf(ParseResult parsed)
    {
        string? text = parsed.GetValue(_time) ?? Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH");
        if (string.IsNullOrEmpty(text))
            return null;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds)
            || seconds < DateTimeOffset.MinValue.ToUnixTimeSeconds() || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            throw new UsageException($"'{text}' is not a time in seconds since 1970");
        }

        return DateTimeOffset.FromUnixTimeSeconds(seconds);
    }

    private static ulong? SizeOf(ParseResult parsed, Option<string?> option, ulong most)
    {
        if (parsed.GetValue(option) is not { } text)
            return null;
        return ByteSize.TryParse(text, out ulong size) && size <= most ? size : throw new UsageException($"'{text}' is not a size");
    }

    private static Uuid UuidOf(string text) =>
        Guid.TryParseExact(text, "D", out _) ? Uuid.Parse(text) : throw new UsageException($"'{text}' is not a UUID");
}
