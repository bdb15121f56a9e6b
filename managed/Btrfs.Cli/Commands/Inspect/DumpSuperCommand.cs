using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Which superblocks are printed, and how much of them.</summary>
internal sealed record SuperblockDumpOptions
{
    /// <summary>Also the system chunks and the backup roots.</summary>
    public bool Full { get; init; }

    /// <summary>Every copy that the device has room for.</summary>
    public bool All { get; init; }

    /// <summary>Print what has another magic too.</summary>
    public bool Force { get; init; }

    /// <summary>Where the one copy lies, in bytes, unless <see cref="All"/> are wanted.</summary>
    public ulong Offset { get; init; } = FormatLimits.SuperblockOffsets[0];
}

/// <summary><c>inspect-internal dump-super</c>: superblocks as text.</summary>
internal static class DumpSuperCommand
{
    public static Command Create()
    {
        Command command = new("dump-super", "Print the superblock of each image.");
        Argument<string[]> images = new("IMAGE") { Description = "An image file or block device", Arity = ArgumentArity.OneOrMore };
        Option<bool> full = new("-f", "--full") { Description = "Also the system chunks and the backup roots" };
        Option<bool> all = new("-a", "--all") { Description = "Print every copy that there is" };
        Option<int?> copy = new("-i", "-s", "--super") { HelpName = "N", Description = "Print this copy: 0, 1 or 2" };
        Option<ulong?> bytenr = new("--bytenr") { HelpName = "OFFSET", Description = "Print what lies at this offset" };
        Option<bool> force = new("-F", "--force") { Description = "Print superblocks with a wrong magic too" };
        command.Arguments.Add(images);
        foreach (Option option in new Option[] { full, all, copy, bytenr, force })
            command.Options.Add(option);

        command.SetAction(parsed =>
        {
            SuperblockDumpOptions options = new()
            {
                Full = parsed.GetValue(full),
                All = parsed.GetValue(all),
                Force = parsed.GetValue(force),
                Offset = parsed.GetValue(bytenr) ?? OffsetOf(parsed.GetValue(copy) ?? 0),
            };
            ImageArguments.RefuseUnknownOptions(parsed, parsed.GetValue(images) ?? []);
            using StandardOutput output = new();
            IEnumerable<IBlockDevice> devices = (parsed.GetValue(images) ?? []).Select(path => FileBlockDevice.Open(path, DeviceOpenOptions.Default));
            return Run(devices, options, new DumpOutput(output, TimeZoneInfo.Local), ErrorOutput.WriteLine);
        });
        return command;
    }

    /// <summary>Prints superblocks of several devices.</summary>
    /// <param name="devices">They need not belong together. Each is closed when it is done.</param>
    /// <param name="options">What to print.</param>
    /// <param name="output">Where the text goes.</param>
    /// <param name="tell">Is given what could not be shown, a line each.</param>
    /// <returns>The exit code: a failure if anything could not be shown.</returns>
    /// <exception cref="IOException">A device can't be opened or read, or the output not written.</exception>
    internal static int Run(IEnumerable<IBlockDevice> devices, SuperblockDumpOptions options, DumpOutput output, Action<string> tell)
    {
        FaultReport faults = new(output, tell);
        SuperblockPrinter printer = new(output, faults.Tell);
        foreach (IBlockDevice device in devices)
        {
            using IBlockDevice closed = device;
            foreach (ulong offset in options.All ? FormatLimits.SuperblockOffsets : [options.Offset])
            {
                if (device.SizeBytes >= Superblock.Size && offset <= device.SizeBytes - Superblock.Size)
                    Print(device, offset);

                // Where the device ends before, the empty line stands for the copy.
                output.Line();
            }
        }

        output.Flush();
        return faults.Code;

        void Print(IBlockDevice device, ulong offset)
        {
            byte[] bytes = new byte[Superblock.Size];
            device.Read(offset, bytes);
            output.Line($"superblock: bytenr={offset}, device={device.Name}");
            output.Line($"---------------------------------------------------------");
            if (options.Force || ItemRecord.Read<Superblock>(bytes).Magic == Superblock.ExpectedMagic)
                printer.Print(bytes, options.Full);
            else
                faults.Tell($"{device.Name} has no btrfs superblock at {offset} (--force prints it anyway)");
        }
    }

    private static ulong OffsetOf(int copy) => (uint)copy < (uint)FormatLimits.SuperblockOffsets.Length
        ? FormatLimits.SuperblockOffsets[copy]
        : throw new UsageException($"there is no superblock copy {copy}, have 0 to {FormatLimits.SuperblockOffsets.Length - 1}");
}
