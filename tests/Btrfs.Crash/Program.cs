using System.Diagnostics;
using System.Globalization;
using Btrfs.Crash.Images;
using Btrfs.Crash.Kernel;
using Btrfs.Crash.Running;

// btrfs-crash [COUNT [FIRST-SEED]] [--templates A,B...] [--states PER-FLUSH] [--stages N] [--steps N] [--kernel EVERY] [--threads N] [--minutes N] [--full] [--no-barrier | --faults]
//   runs COUNT seeds; --kernel lets Linux judge one of so many states, as root; --no-barrier plants the fault that must be found;
//   --full begins with a full disk; --faults fails each read, write, flush and allocation of each seed's workload in turn.
Dictionary<string, string> settings = [];
List<int> numbers = [];
for (int i = 0; i < args.Length; i++)
{
    if (args[i] is "--no-barrier" or "--full" or "--faults")
        settings[args[i]] = "";
    else if (args[i].StartsWith("--", StringComparison.Ordinal) && i + 1 < args.Length)
        settings[args[i]] = args[++i];
    else
        numbers.Add(Number(args[i]));
}

int count = numbers.Count > 0 ? numbers[0] : 100;
int firstSeed = numbers.Count > 1 ? numbers[1] : Environment.TickCount & 0xFFFFFF;
CrashOptions defaults = new();
CrashOptions options = new()
{
    StatesPerFlush = Setting("--states", defaults.StatesPerFlush),
    Stages = Setting("--stages", defaults.Stages),
    KernelEvery = Setting("--kernel", defaults.KernelEvery),
    Steps = Setting("--steps", defaults.Steps),
    IsFull = settings.ContainsKey("--full"),
    IgnoreBlockBarrier = settings.ContainsKey("--no-barrier"),
};
IReadOnlyList<Template> templates = settings.TryGetValue("--templates", out string? names) ? [.. names.Split(',').Select(Template.Load)] : Template.LoadAll();
using KernelJudge? kernel = settings.ContainsKey("--kernel") ? new KernelJudge(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath()) : null;

Console.WriteLine($"{count} seeds from {firstSeed} on over {string.Join(", ", templates.Select(template => template.Name))}");
long start = Stopwatch.GetTimestamp();
long told = start;
Campaign campaign = new(templates, options, kernel) { PlantsFaults = settings.ContainsKey("--faults") };
int failures = campaign.Run(
    firstSeed, count, Setting("--threads", Environment.ProcessorCount), TimeSpan.FromMinutes(Setting("--minutes", 24 * 60)), static failure => Console.WriteLine(failure.Message), Progress);
if (campaign.PlantsFaults)
    Console.WriteLine($"{campaign.FaultsPlanted} faults planted, {campaign.FaultsSeen} of them ended a workload");
Console.WriteLine($"{campaign.Tally} in {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s; {failures} seeds failed");
return failures == 0 ? 0 : 1;

void Progress()
{
    if (Stopwatch.GetElapsedTime(told).TotalSeconds < 20)
        return;

    told = Stopwatch.GetTimestamp();
    Console.WriteLine($"{Stopwatch.GetElapsedTime(start).TotalSeconds,6:f0} s: {campaign.Tally}");
}

int Setting(string name, int otherwise) => settings.TryGetValue(name, out string? value) ? Number(value) : otherwise;

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
