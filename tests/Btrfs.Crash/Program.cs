using System.Diagnostics;
using System.Globalization;
using Btrfs.Crash.Images;
using Btrfs.Crash.Kernel;
using Btrfs.Crash.Running;

const string Usage =
    """
    usage: Btrfs.Crash [COUNT [FIRST-SEED]] [--templates A,B...] [--states PER-FLUSH] [--stages N] [--steps N] [--kernel EVERY] [--threads N] [--minutes N]
                       [--full] [--no-barrier | --faults | --fault KIND:NUMBER[:lasting]]
    Runs COUNT seeds. --kernel lets Linux judge one of so many states, as root; --no-barrier plants the fault that must be found;
    --full begins with a full disk; --faults fails each read, write, flush and allocation of each seed's workload in turn, --fault one of them, as a failure names it.
    """;
string[] valued = ["--templates", "--fault", "--states", "--stages", "--steps", "--kernel", "--threads", "--minutes"];
Dictionary<string, string> settings = [];
List<int> numbers = [];
for (int i = 0; i < args.Length; i++)
{
    if (args[i] is "--no-barrier" or "--full" or "--faults")
        settings[args[i]] = "";
    else if (valued.Contains(args[i]) && i + 1 < args.Length)
        settings[args[i]] = args[++i];
    else if (int.TryParse(args[i], CultureInfo.InvariantCulture, out int number))
        numbers.Add(number);
    else
        return Refuse($"'{args[i]}' is not an option, or lacks its value");
}

foreach ((string name, string value) in settings.Where(setting => setting.Key is not ("--templates" or "--fault") && setting.Value.Length > 0))
{
    if (!int.TryParse(value, CultureInfo.InvariantCulture, out _))
        return Refuse($"'{value}' is not a number for {name}");
}

PlantedFault? only = null;
if (settings.TryGetValue("--fault", out string? planted) && !PlantedFault.TryParse(planted, out only))
    return Refuse($"'{planted}' is not a fault: {string.Join(", ", Enum.GetNames<FaultKind>())}, and its number");

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
    Fault = only,
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

int Setting(string name, int otherwise) => settings.TryGetValue(name, out string? value) ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;

static int Refuse(string why)
{
    Console.Error.WriteLine(why);
    Console.Error.WriteLine(Usage);
    return 2;
}
